"""Stages of a job: each returns the pods it needs, and what the conditions report.

prepare.py  tokenizes the text
train.py    the coordinator and the workers
publish.py  evaluates and exports the model
pods.py     what the stages share: conditions of their pods, claims and the run config

A job with an entrypoint has only the stage train: what its program reads and writes is up to the program.
"""
