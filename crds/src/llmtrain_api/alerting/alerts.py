"""What somebody should hear of, and what they do then."""

from llmtrain_api.alerting import hardware_alerts
from llmtrain_api.alerting.recording import GOODPUT, MEDIAN, SLOWEST
from llmtrain_api.alerting.rule import BY_JOB, ON_JOB, AlertingRule

OF_JOB = "{{ $labels.namespace }}/{{ $labels.training_job }}"
RUNS = f"{ON_JOB} llmtrain_job_ranks > 0"
DESCRIBE = "`kubectl describe ltj NAME`: its conditions, its first failure and its recoveries."

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
        summary=f"{OF_JOB} has workers but has done no step for half an hour.",
        meaning="Ranks have joined and hold their GPUs, yet no step gets done. The watchdog would have killed a rank that "
        "hangs, so it is an evaluation or a start that takes very long, a file system that doesn't answer, or a very high "
        "`recovery.hangSeconds`.",
        diagnosis='`kubectl logs POD` of worker 0: the newest event. The panel "Every second by kind" of the dashboard *Job* '
        "says what the time goes into; a job that never did a step is `starting`.",
        mitigation="If a volume hangs, mend the volume. Otherwise delete one worker pod: the others keep the state, and the "
        "newcomer's start shows where it stops.",
    ),
    AlertingRule(
        name="LlmtrainRankHung",
        expr=(
            f'max {BY_JOB} (increase(llmtrain_job_recovery_seconds_total{{phase="detect"}}[15m])'
            " / ignoring (phase) increase(llmtrain_job_recoveries_total[15m])) > 4"
        ),
        for_duration="0m",
        severity="warning",
        summary=f"{OF_JOB} took {{{{ $value | humanizeDuration }}}} to notice that a rank was gone.",
        meaning="A rank hung until the watchdog killed it: nothing else takes so long to detect, as a lease ends after 2 "
        "seconds and `recovery.hangSeconds` is 5 at least. Training went on, but the whole time-out was lost, and what hung "
        "once hangs again.",
        diagnosis="`kubectl logs POD`, event `rankHung`, and before it the stacks that the rank wrote.",
        mitigation="The stack names the call. In NCCL or the driver: drain the node and test its network and GPUs. In the data: "
        "look at the volume. If steps are so long by nature, raise `recovery.hangSeconds` above them.",
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
        summary=f"{OF_JOB} waits for one rank that is much slower than the others.",
        meaning="Each step ends when the slowest rank's microbatches are done. One rank takes more than one and a half "
        "times what the rank in the middle takes.",
        diagnosis='`topk(1, llmtrain_job_rank_compute_seconds{training_job="NAME"})` names worker and rank.',
        mitigation="Look at that worker's node: clocks held down by heat or power, another load, a slower chip in the pool. "
        "Cordon the node and delete the pod; it starts elsewhere and no step is lost.",
    ),
    AlertingRule(
        name="LlmtrainLowGoodput",
        expr=f"{GOODPUT.record} < 0.8 and {RUNS} and {ON_JOB} llmtrain_job_ranks offset 1h > 0",
        for_duration="30m",
        severity="warning",
        summary=f"{OF_JOB} trained for only {{{{ $value | humanizePercentage }}}} of the last hour.",
        meaning="More than a fifth of the time went into something beside new steps: recoveries, replays, checkpoints, "
        "evaluation, or waiting for workers. A job's first hour, with its start, does not count.",
        diagnosis='`sum by (category) (delta(llmtrain_job_seconds_total{training_job="NAME"}[1h]))` says into what.',
        mitigation="recovering or replaying: find what kills workers (`status.recoveries`). waiting: too few nodes for "
        "`workers.min`. checkpoint: raise `checkpoint.everySteps` or use a faster volume. evaluating: raise "
        "`evaluation.everySteps`.",
    ),
    AlertingRule(
        name="LlmtrainManyRecoveries",
        expr=f"sum {BY_JOB} (increase(llmtrain_job_recoveries_total[1h])) > 5",
        for_duration="0m",
        severity="warning",
        summary=f"{OF_JOB} recovered from {{{{ $value | humanize }}}} losses in an hour.",
        meaning="Workers keep dying. Each death costs little, but together they spend the job's budget of failures.",
        diagnosis=DESCRIBE,
        mitigation="If all deaths are on one node, cordon it. If the reason is OOMKilled, raise `workers.resources.memory` or "
        "lower `training.microbatchSize`.",
    ),
    AlertingRule(
        name="LlmtrainWorkersMissing",
        expr=f"max {BY_JOB} (llmtrain_job_ranks) < max {BY_JOB} (llmtrain_job_ranks_desired)",
        for_duration="15m",
        severity="warning",
        summary=f"{OF_JOB} has fewer ranks than it wants.",
        meaning="Workers died or could not be placed, and their replacements have not joined for a quarter of an hour.",
        diagnosis=DESCRIBE,
        mitigation="The condition Degraded and the pending pods' events say what is missing: nodes, GPUs, an image. Or scale "
        "the job down to what there is.",
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
        meaning="If all workers were lost now, everything since then would be done again. The state also lives in every "
        "worker's memory, so a lone death costs nothing.",
        diagnosis="`llmtrain_job_checkpoint_step` beside `llmtrain_job_step`, and the condition Degraded.",
        mitigation="Lower `checkpoint.everySteps` in the next job. If steps have become slow, see LlmtrainStraggler. If none was "
        "ever written, see LlmtrainCheckpointFailing.",
    ),
    AlertingRule(
        name="LlmtrainCheckpointFailing",
        expr=f"max {BY_JOB} (llmtrain_job_checkpoint_failing) == 1",
        for_duration="5m",
        severity="critical",
        summary=f"{OF_JOB} can't write its checkpoints.",
        meaning="Training goes on, but nothing new is durable. Mostly the volume is full or read-only.",
        diagnosis="The condition Degraded says the error in the writer's words.",
        mitigation="Make room on the volume of `checkpoint.volume`, or enlarge its claim. The next checkpoint that succeeds "
        "ends the alert.",
    ),
    AlertingRule(
        name="LlmtrainCheckpointVolumeFull",
        expr=(
            f"min {BY_JOB} (llmtrain_job_checkpoint_volume_free_bytes)"
            f" < 3 * max {BY_JOB} (llmtrain_job_checkpoint_size_bytes)"
        ),
        for_duration="5m",
        severity="warning",
        summary=f"The checkpoint volume of {OF_JOB} has room for less than three more checkpoints.",
        meaning="A new checkpoint is written whole before an old one is removed, and the finished model needs room too. When "
        "the volume is full, training goes on, but nothing new is durable.",
        diagnosis="`llmtrain_job_checkpoint_volume_free_bytes` beside `llmtrain_job_checkpoint_size_bytes`.",
        mitigation="Enlarge the claim of `checkpoint.volume`, or remove what finished jobs left there. Lower "
        "`checkpoint.keepLast` in the next job.",
    ),
    AlertingRule(
        name="LlmtrainJobQueued",
        expr=(
            f"max {BY_JOB} (llmtrain_job_queued_seconds) - max {BY_JOB} (llmtrain_job_queued_seconds offset 1h) > 3500"
        ),
        for_duration="0m",
        severity="warning",
        summary=f"{OF_JOB} has waited for a place for the whole last hour.",
        meaning="The job's pods can't be placed all together, so none runs.",
        diagnosis=DESCRIBE,
        mitigation="The condition Scheduled names the obstacle. Free GPUs, add nodes, or lower `workers.replicas`.",
    ),
    AlertingRule(
        name="LlmtrainNodesMissing",
        expr='sum by (llmcluster, pool) (max by (llmcluster, pool, state) (llmtrain_pool_nodes{state!="ready"})) > 0',
        for_duration="15m",
        severity="warning",
        summary="Pool {{ $labels.pool }} of LLMCluster {{ $labels.llmcluster }} lacks {{ $value }} nodes.",
        meaning="Nodes that the LLMCluster expects are not there, not ready, or cordoned.",
        diagnosis="`kubectl describe llmc NAME`: the pool's `notReady` names each node with its reason.",
        mitigation="Bring the nodes back, uncordon them, or lower `computePools[].nodes` to what is meant to be there.",
    ),
    AlertingRule(
        name="LlmtrainGpusUnhealthy",
        expr='max by (llmcluster, pool) (llmtrain_pool_gpus{state="unhealthy"}) > 0',
        for_duration="10m",
        severity="warning",
        summary="Pool {{ $labels.pool }} of LLMCluster {{ $labels.llmcluster }} has {{ $value }} GPUs that no pod can have.",
        meaning="The kubelet's device plugin has taken GPUs out of service, or their nodes are not ready.",
        diagnosis="`kubectl describe node NODE`: capacity beside allocatable of nvidia.com/gpu.",
        mitigation="Drain the node and run the maker's diagnostics; reset or replace the GPU.",
    ),
    AlertingRule(
        name="LlmtrainOperatorDown",
        expr="absent(llmtrain_operator_leader == 1)",
        for_duration="5m",
        severity="critical",
        summary="No replica of the llmtrain operator leads.",
        meaning="Jobs that train go on, and recover inside their pods. But dead pods are not replaced, and new jobs do not "
        "start.",
        diagnosis="`kubectl -n llmtrain-system get pods,leases` and the operator's logs.",
        mitigation="Bring the operator's pod back; it picks everything up where it is. If it runs, see whether Prometheus can "
        "scrape it.",
    ),
    AlertingRule(
        name="LlmtrainReconcileErrors",
        expr='sum by (kind) (rate(llmtrain_operator_reconciles_total{result=~"failed|refused"}[5m])) > 0.01',
        for_duration="15m",
        severity="warning",
        summary="The operator keeps failing to reconcile objects of kind {{ $labels.kind }}.",
        meaning="The API server refuses what the operator asks for (result `refused`), or doesn't answer (`failed`). It tries "
        "again and again, at least once a minute; one object is enough for this alert.",
        diagnosis="The operator's logs name the object and the API server's words.",
        mitigation="Refused: mostly a right that was taken away, a quota, or an admission webhook that says no. Failed: the API "
        "server or an admission webhook is down.",
    ),
    *hardware_alerts.ALERTS,
)
