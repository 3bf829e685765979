"""The parts of a job's status. Each function returns a new status; the one it is given stays as it is.

workers.py     workers by state
results.py     what finished pods produced: dataset, model, completed training
progress.py    the coordinator's progress and newest checkpoint
recoveries.py  recoveries that the coordinator reports, as status, failures and events
goodput.py     the time ledger of the job's lifetime
"""
