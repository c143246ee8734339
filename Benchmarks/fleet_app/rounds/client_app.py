"""Never run: the nodes are Cohort's sites, which run no code from outside."""
from flwr.clientapp import ClientApp

app = ClientApp()
