"""The operator: makes what people asked for out of Kubernetes objects, and keeps it right.

core/   decides: snapshots in, plans out; no clock, no network
shell/  sees and acts: kopf, watches, the API, events, metrics
"""
