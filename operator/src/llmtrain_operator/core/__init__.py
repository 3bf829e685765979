"""Decisions, pure.

observed.py     what a decision is made from: one frozen snapshot
pod_view.py     a pod, as far as decisions need it
plan.py         what a decision is: objects to apply and delete, a status, events
job.py          plan_job: the life of a job, stage by stage
admission.py    may the job start: cluster, tenant, volumes, GPUs
failures.py     pods that ended badly, and the budget for them
pending.py      why pods don't run yet
degraded.py     training with fewer workers than wanted
suspension.py   stopping with a checkpoint, to go on later
progress.py     the coordinator's figures as status
stages.py       prepare, train and publish: the pods of each
step.py         what a stage wants done and says, before it becomes a plan
ending.py       what stays and what goes when a job is over; time to live, deadline
cluster.py      plan_cluster: inventory and claims of an LLMCluster
drift.py        whether a live object still says what was applied
children/       builders of child objects
"""
