"""Alerts of jobs, pools and the operator, with their runbooks."""

from llmtrain_api.alerting import hardware_alerts
from llmtrain_api.alerting.recording import GOODPUT, MEDIAN, SLOWEST
from llmtrain_api.alerting.rule import BY_JOB, ON_JOB, AlertingRule

OF_JOB = "{{ $labels.namespace }}/{{ $labels.training_job }}"
RUNS = f"{ON_JOB} llmtrain_job_ranks > 0"
DESCRIBE = "Run `kubectl describe ltj NAME` and read the conditions, `firstFailure` and `recoveries`."

ALERTS = (
    AlertingRule(
        name="LlmtrainJobStuck",
        expr=(
            f"max {BY_JOB} (llmtrain_job_ranks) > 0"
            f' unless {ON_JOB} increase(llmtrain_job_seconds_total{{category=~"stepping|replaying"}}[10m]) > 0'
            f" unless {ON_JOB} llmtrain_job_step == llmtrain_job_steps"
        ),
        for_duration="20m",
        severity="critical",
        summary=f"{OF_JOB} has live ranks but completed no step for 30 minutes.",
        meaning="Ranks have joined and hold their GPUs, but no step completes. The watchdog would have killed a hung rank, so "
        "the cause is a very long evaluation or start, an unresponsive file system, or a very high `recovery.hangSeconds`.",
        diagnosis="Run `kubectl logs POD` for worker 0 and look at the newest event. The row *Time* of the "
        "dashboard *Job* shows the category of the time; a job that never completed a step is `starting`.",
        mitigation="If a volume hangs, repair it. Otherwise delete one worker pod: the others keep the state, and the log of "
        "the new worker shows where it blocks.",
    ),
    AlertingRule(
        name="LlmtrainRankHung",
        expr=(
            f'max {BY_JOB} (increase(llmtrain_job_recovery_seconds_total{{phase="detect"}}[15m])'
            " / ignoring (phase) increase(llmtrain_job_recoveries_total[15m])) > 4"
        ),
        for_duration="0m",
        severity="warning",
        summary=f"{OF_JOB} took {{{{ $value | humanizeDuration }}}} to detect the loss of a rank.",
        meaning="A rank hung until the watchdog killed it. Nothing else takes this long to detect: a lease expires after 2 "
        "seconds, and `recovery.hangSeconds` is at least 5. Training continued, but the whole timeout was lost, and the hang "
        "is likely to recur.",
        diagnosis="Run `kubectl logs POD` and look for the event `rankHung` and the stack traces after it.",
        mitigation="The stack trace names the call. For NCCL or the driver, drain the node and test its network and GPUs. For "
        "data loading, check the volume. If a microbatch regularly takes this long, raise `recovery.hangSeconds`.",
    ),
    AlertingRule(
        name="LlmtrainStraggler",
        expr=(
            f"{SLOWEST.record} > 1.5 * {MEDIAN.record}"
            f" and {ON_JOB} count {BY_JOB} (max by (namespace, training_job, worker, rank)"
            " (llmtrain_job_rank_compute_seconds)) > 2"
        ),
        for_duration="15m",
        severity="warning",
        summary=f"{OF_JOB} has a rank that is much slower than the others.",
        meaning="A step ends when the slowest rank has finished its microbatches. One rank takes more than 1.5 times the "
        "median.",
        diagnosis='The query `topk(1, llmtrain_job_rank_compute_seconds{training_job="NAME"})` returns worker and rank.',
        mitigation="Check that worker's node for throttled clocks, other load, or a slower GPU model. Cordon the node and delete "
        "the pod: its replacement starts on another node, and no step is lost.",
    ),
    AlertingRule(
        name="LlmtrainLowGoodput",
        expr=f"{GOODPUT.record} < 0.8 and {RUNS} and {ON_JOB} llmtrain_job_ranks offset 1h > 0",
        for_duration="30m",
        severity="warning",
        summary=f"{OF_JOB} spent only {{{{ $value | humanizePercentage }}}} of the last hour on training steps.",
        meaning="More than 20% of the time was spent on other things than new steps: recoveries, replays, checkpoints, "
        "evaluation, or waiting for workers. The first hour of a job is excluded, because it includes the start.",
        diagnosis='The query `sum by (category) (delta(llmtrain_job_seconds_total{training_job="NAME"}[1h]))` shows the '
        "categories.",
        mitigation="`recovering` or `replaying`: find the cause of the failures in `status.recoveries`. `waiting`: add nodes or "
        "lower `workers.min`. `checkpoint`: raise `checkpoint.everySteps` or use a faster volume. `evaluating`: raise "
        "`evaluation.everySteps`.",
    ),
    AlertingRule(
        name="LlmtrainManyRecoveries",
        expr=f"sum {BY_JOB} (increase(llmtrain_job_recoveries_total[1h])) > 5",
        for_duration="0m",
        severity="warning",
        summary=f"{OF_JOB} recovered {{{{ $value | humanize }}}} times in the last hour.",
        meaning="Ranks fail repeatedly. Each recovery is short, but the failures count towards `recovery.maxFailures`, and the "
        "job fails when that is exceeded.",
        diagnosis=DESCRIBE,
        mitigation="If all failures are on one node, cordon it. If the reason is OOMKilled, raise `workers.resources.memory` or "
        "lower `training.microbatchSize`.",
    ),
    AlertingRule(
        name="LlmtrainWorkersMissing",
        expr=f"max {BY_JOB} (llmtrain_job_ranks) < max {BY_JOB} (llmtrain_job_ranks_desired)",
        for_duration="15m",
        severity="warning",
        summary=f"{OF_JOB} has fewer ranks than desired.",
        meaning="Workers failed or could not be scheduled, and no replacements have joined for 15 minutes.",
        diagnosis=DESCRIBE,
        mitigation="The condition Degraded and the events of the pending pods name the cause, such as missing nodes, GPUs or an "
        "image. Fix it, or scale the job down to the available nodes.",
    ),
    AlertingRule(
        name="LlmtrainCheckpointOld",
        expr=(
            f"(time() - max {BY_JOB} (last_over_time(llmtrain_job_checkpoint_time_seconds[2h])) > 7200"
            f" or 7200 * count {BY_JOB} (llmtrain_job_step offset 2h) ^ 0"
            f" unless {ON_JOB} last_over_time(llmtrain_job_checkpoint_time_seconds[2h]))"
            f" and {RUNS}"
        ),
        for_duration="5m",
        severity="warning",
        summary=f"{OF_JOB} has written no checkpoint for {{{{ $value | humanizeDuration }}}} or more.",
        meaning="If all workers were lost now, all steps since the last checkpoint would be repeated. The loss of a single "
        "worker costs nothing, because every worker holds the state in memory.",
        diagnosis="Compare `llmtrain_job_checkpoint_step` with `llmtrain_job_step`, and read the condition Degraded.",
        mitigation="Lower `checkpoint.everySteps` in the next job. If steps have become slow, see LlmtrainStraggler. If no "
        "checkpoint was ever written, see LlmtrainCheckpointFailing.",
    ),
    AlertingRule(
        name="LlmtrainCheckpointFailing",
        expr=f"max {BY_JOB} (llmtrain_job_checkpoint_failing) == 1",
        for_duration="5m",
        severity="critical",
        summary=f"{OF_JOB} cannot write checkpoints.",
        meaning="Training continues, but new steps are not durable. Usually the volume is full or read-only.",
        diagnosis="The condition Degraded contains the error message of the write.",
        mitigation="Free space on the volume of `checkpoint.volume`, or expand its claim. The alert resolves with the next "
        "successful checkpoint.",
    ),
    AlertingRule(
        name="LlmtrainCheckpointVolumeFull",
        expr=(
            f"min {BY_JOB} (llmtrain_job_checkpoint_volume_free_bytes)"
            f" < 3 * max {BY_JOB} (llmtrain_job_checkpoint_size_bytes)"
        ),
        for_duration="5m",
        severity="warning",
        summary=f"The checkpoint volume of {OF_JOB} has space for fewer than three more checkpoints.",
        meaning="A new checkpoint is complete before an old one is deleted, and the exported model needs space as well. When "
        "the volume is full, training continues, but new steps are not durable.",
        diagnosis="Compare `llmtrain_job_checkpoint_volume_free_bytes` with `llmtrain_job_checkpoint_size_bytes`.",
        mitigation="Expand the claim of `checkpoint.volume`, or delete the files of finished jobs. Lower `checkpoint.keepLast` in "
        "the next job.",
    ),
    AlertingRule(
        name="LlmtrainJobQueued",
        expr=(
            f"max {BY_JOB} (llmtrain_job_queued_seconds) - max {BY_JOB} (llmtrain_job_queued_seconds offset 1h) > 3500"
        ),
        for_duration="0m",
        severity="warning",
        summary=f"{OF_JOB} has waited to be scheduled for the last hour.",
        meaning="The pods of the job cannot be scheduled together, so none of them runs.",
        diagnosis=DESCRIBE,
        mitigation="The condition Scheduled names the cause. Free GPUs, add nodes, or lower `workers.replicas`.",
    ),
    AlertingRule(
        name="LlmtrainNodesMissing",
        expr='sum by (llmcluster, pool) (max by (llmcluster, pool, state) (llmtrain_pool_nodes{state!="ready"})) > 0',
        for_duration="15m",
        severity="warning",
        summary="Pool {{ $labels.pool }} of LLMCluster {{ $labels.llmcluster }} is missing {{ $value }} nodes.",
        meaning="Nodes that the LLMCluster expects are missing, not ready, or cordoned.",
        diagnosis="Run `kubectl describe llmc NAME`: `notReady` of the pool lists each node with its reason.",
        mitigation="Repair or uncordon the nodes, or lower `computePools[].nodes` to the intended number.",
    ),
    AlertingRule(
        name="LlmtrainGpusUnhealthy",
        expr='max by (llmcluster, pool) (llmtrain_pool_gpus{state="unhealthy"}) > 0',
        for_duration="10m",
        severity="warning",
        summary="Pool {{ $labels.pool }} of LLMCluster {{ $labels.llmcluster }} has {{ $value }} unhealthy GPUs.",
        meaning="No pod can be scheduled on these GPUs: the device plugin reports them as unhealthy, or their nodes are not "
        "ready.",
        diagnosis="Run `kubectl describe node NODE` and compare capacity with allocatable of nvidia.com/gpu.",
        mitigation="Drain the node and run the vendor's diagnostics; reset or replace the GPU.",
    ),
    AlertingRule(
        name="LlmtrainOperatorDown",
        expr="absent(llmtrain_operator_leader == 1)",
        for_duration="5m",
        severity="critical",
        summary="The llmtrain operator has no leader.",
        meaning="Running jobs continue to train, and recover from failures of processes. But failed pods are not replaced, and "
        "new jobs do not start.",
        diagnosis="Run `kubectl -n llmtrain-system get pods,leases` and read the operator's logs.",
        mitigation="Get the operator's pod running again; it resumes from the current state. If it is running, check that "
        "Prometheus can scrape it.",
    ),
    AlertingRule(
        name="LlmtrainReconcileErrors",
        expr='sum by (kind) (rate(llmtrain_operator_reconciles_total{result=~"failed|rejected"}[5m])) > 0.01',
        for_duration="15m",
        severity="warning",
        summary="The operator repeatedly fails to reconcile objects of kind {{ $labels.kind }}.",
        meaning="The API server rejects the operator's requests (result `rejected`) or does not answer (`failed`). The operator "
        "retries at least once a minute; a single object is enough for this alert.",
        diagnosis="The operator's logs contain the object and the error message of the API server.",
        mitigation="`rejected`: check RBAC, quotas and admission webhooks. `failed`: check the API server and the availability of "
        "admission webhooks.",
    ),
    *hardware_alerts.ALERTS,
)
