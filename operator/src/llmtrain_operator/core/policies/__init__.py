"""Policies: one rule of a job's lifecycle per module.

admission.py          whether a job can start: cluster, tenancy, volumes, GPUs
placement.py          which compute pool a job is placed in
source_job.py         the job whose model a job starts from, and waits for
model_cycle.py        jobs that wait for each other's model
allowed.py            which PriorityClasses and tolerations a job can use
volume_access.py      whether the workers of a job must share a node
claim_expansion.py    claims that grow with their storage pool
scheduling.py         why pods do not run yet
container_errors.py   why the container of a pod that has a node does not run
volume_binding.py     why a claim that pods wait for is not bound
stuck_termination.py  pods that do not end after their grace period
failure_policy.py     failed and lost pods: recorded once, then replaced; failures that are permanent
node_loss.py          which nodes are lost, and when that cannot be decided
incidents.py          which failures have one cause, and so spend the failure budget once
disruptions.py        drains, preemptions and evictions, which are no failures
restart_backoff.py    how long a pod that fails repeatedly waits before it is created again
deadline.py           activeDeadlineSeconds, without the time of suspensions
completion.py         how a job ends: succeeded or failed
final_answer.py       that the coordinator is asked once more before the job ends
cleanup.py            what is deleted when a job has ended
ttl.py                ttlSecondsAfterFinished
suspend.py            stop with a checkpoint, resume later
coordinator_loss.py   a coordinator that no longer answers is replaced
coordinator_unreachable.py  a coordinator that runs and that the operator cannot reach
degraded.py           training with less than the spec asks for
"""
