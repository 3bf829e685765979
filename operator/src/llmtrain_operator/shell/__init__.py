"""All input and output of the operator.

settings.py      what the operator is told by its environment
api.py           the Kubernetes API on plain dicts: server-side apply, status, events
informer.py      one resource, listed and watched
store.py         everything seen, by what it is looked up with
queue.py         keys waiting to be reconciled
coordinators.py  asks a job's coordinator how it goes
observe.py       makes the snapshot a decision is made from
reconcile.py     snapshot, plan, deed: one key at a time
handlers.py      what kopf calls
leader.py        the Lease that lets one replica be active
telemetry.py     the operator's metrics
run.py           starts all of it
"""
