"""All input and output of the operator.

run.py                 starts everything, in order
settings.py            settings from the environment
leader.py              leader election by a Lease
handlers.py            what kopf calls when a job or a cluster changes
informer.py            one resource, listed and watched
store.py               every object seen, indexed for lookups
node_index.py          nodes, and the GPUs that pods hold on them
pool_index.py          compute pools as running sums over their nodes
placed_jobs.py         GPUs that jobs request in their compute pools
work_queue.py          keys waiting to be reconciled
reconcile.py           observe, plan, execute: one key at a time
namespace_index.py     namespaces and quotas, which a refused request may depend on
observe.py             snapshots for decisions, from the store
source_jobs.py         jobs that start from the model of another one
slow_objects.py        pods that do not start, and claims that are not bound
warning_events.py      warning events of pods that do not start and of claims that are not bound
api.py                 the Kubernetes API on plain dicts: server-side apply, status, events
token_keys.py          the keys that the tokens of jobs are derived from
coordinator_client.py  sends a job's coordinator the desired workers, and gets its status
metrics.py             the operator's metrics
errors.py              errors of the Kubernetes API
"""
