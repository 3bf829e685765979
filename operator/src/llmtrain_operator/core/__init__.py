"""Decisions of the operator: snapshots in, plans out. Nothing here reads a clock, an environment or a network.

job.py            plan_job: what one LLMTrainingJob needs now
cluster.py        plan_cluster: inventory and claims of one LLMCluster
fleet_metrics.py  samples of the metrics of all jobs, pools and claims
job_plan.py       a stage of a job as a plan: only what has changed
stages/           prepare, train, publish: the pods that each stage needs
status/           the parts of a job's status: workers, results, progress, recoveries, goodput
policies/         one rule each: admission, scheduling, failures, deadline, ttl, ...
stage_plan.py     what a stage decides: conditions, objects, deletions
events.py         Kubernetes events of a job
objects/          builders of the Kubernetes objects of a job
plan.py           what a decision is: status, objects to apply and delete, events
snapshot.py       what a decision is made from
pools.py          compute pools: which nodes they have, and what these lack and offer
pod_view.py       a pod, as decisions see it
node_view.py      a node, as decisions see it: ready, lost, its GPUs
taints.py         taints of nodes, and which tolerations match them
manifest.py       Kubernetes objects as plain dicts

Modules import only from below in this list; import-linter checks it.
"""
