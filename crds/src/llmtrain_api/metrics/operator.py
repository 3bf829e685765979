"""Metrics of all jobs and of the operator itself, told by the operator."""

from llmtrain_api.metrics.metric import Metric, declared

JOBS = Metric(
    name="llmtrain_jobs",
    kind="gauge",
    labels=("namespace", "condition", "reason"),
    help="Jobs by their current condition and its reason; each job is counted once.",
)
JOB_QUEUED = Metric(
    name="llmtrain_job_queued_seconds",
    kind="gauge",
    help="How long a job has waited for a place in its life so far.",
)
POOL_NODES = Metric(
    name="llmtrain_pool_nodes",
    kind="gauge",
    labels=("llmcluster", "pool", "state"),
    help="Nodes of a compute pool by state: ready, unready, or missing of those that are expected.",
)
POOL_NODE = Metric(
    name="llmtrain_pool_node_info",
    kind="gauge",
    labels=("llmcluster", "pool", "node"),
    help="1 for each node of a compute pool.",
)
POOL_GPUS = Metric(
    name="llmtrain_pool_gpus",
    kind="gauge",
    labels=("llmcluster", "pool", "state"),
    help="GPUs of a compute pool; each is in one state: allocated to a pod, else unhealthy if no pod can have it, else idle.",
)
POOL_GPUS_ALLOCATED = Metric(
    name="llmtrain_pool_gpus_allocated",
    kind="gauge",
    labels=("llmcluster", "pool", "namespace"),
    help="GPUs of a compute pool that pods of a namespace hold.",
)
PERSISTENT_VOLUME_CLAIMS = Metric(
    name="llmtrain_persistentvolumeclaims",
    kind="gauge",
    labels=("namespace", "purpose", "phase"),
    help="Persistent volume claims of storage pools by purpose and phase.",
)
PERSISTENT_VOLUME_CLAIM_SIZE = Metric(
    name="llmtrain_persistentvolumeclaim_size_bytes",
    kind="gauge",
    labels=("namespace", "purpose"),
    help="Bytes that persistent volume claims of storage pools have.",
)
QUEUE_DEPTH = Metric(
    name="llmtrain_operator_queue_depth",
    kind="gauge",
    labels=(),
    help="Objects waiting to be reconciled.",
)
RECONCILES = Metric(
    name="llmtrain_operator_reconciles_total",
    kind="counter",
    labels=("kind", "result"),
    help="Reconciliations by kind of object and result.",
)
RECONCILE_SECONDS = Metric(
    name="llmtrain_operator_reconcile_seconds_total",
    kind="counter",
    labels=("kind",),
    help="Seconds spent reconciling.",
)
API_CALLS = Metric(
    name="llmtrain_operator_api_calls_total",
    kind="counter",
    labels=("verb", "resource", "code"),
    help="Calls to the Kubernetes API.",
)
LEADER = Metric(
    name="llmtrain_operator_leader",
    kind="gauge",
    labels=(),
    help="1 in the replica that is active.",
)

METRICS = declared(dict(globals()))
