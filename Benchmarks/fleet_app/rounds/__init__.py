"""Times rounds of a SuperLink; `fleet.py` runs it."""
