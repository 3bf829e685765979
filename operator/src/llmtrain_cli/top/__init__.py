"""`llmtrain top`: the current state of a job and its ranks, from Prometheus.

ranks.py   the queries, and the state of each rank
screen.py  the headline and the table, fitted to the terminal
live.py    the update loop, which survives failed queries and ends with the training
"""
