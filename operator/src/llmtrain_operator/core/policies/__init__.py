"""Policies: one rule of a job's lifecycle per module.

admission.py       whether a job can start: cluster, tenancy, volumes, GPUs
scheduling.py      why pods do not run yet
failure_policy.py  failed and lost pods: recorded once, then replaced; failures that are permanent
deadline.py        activeDeadlineSeconds
completion.py      how a job ends: succeeded or failed
cleanup.py         what is deleted when a job has ended
ttl.py             ttlSecondsAfterFinished
suspend.py         stop with a checkpoint, resume later
degraded.py        training with less than the spec asks for
"""
