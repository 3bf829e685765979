"""The operator: reconciles LLMTrainingJobs and LLMClusters.

core/   decides: snapshots in, plans out; no clock, no network
shell/  observes and executes: kopf, watches, the Kubernetes API, events, metrics
"""
