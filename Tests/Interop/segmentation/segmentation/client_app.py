"""Nothing: Cohort's sites run no code from outside."""
from flwr.clientapp import ClientApp

app = ClientApp()
