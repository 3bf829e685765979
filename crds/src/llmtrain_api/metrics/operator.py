"""Metrics of all jobs and of the operator itself, told by the operator."""

from llmtrain_api.metrics.metric import counter, gauge

JOBS = gauge(
    "llmtrain_jobs",
    "Jobs by their current condition and its reason; each job is counted once.",
    labels=("namespace", "condition", "reason"),
)
JOB_QUEUED = gauge("llmtrain_job_queued_seconds", "How long a job has waited for a place in its life so far.")
POOL_NODES = gauge(
    "llmtrain_pool_nodes",
    "Nodes of a compute pool by state: ready, unready, or missing of those that are expected.",
    labels=("llmcluster", "pool", "state"),
)
POOL_NODE = gauge(
    "llmtrain_pool_node_info", "1 for each node of a compute pool.", labels=("llmcluster", "pool", "node")
)
POOL_GPUS = gauge(
    "llmtrain_pool_gpus",
    "GPUs of a compute pool; each is in one state: allocated to a pod, else unhealthy if no pod can have it, else idle.",
    labels=("llmcluster", "pool", "state"),
)
POOL_GPUS_ALLOCATED = gauge(
    "llmtrain_pool_gpus_allocated",
    "GPUs of a compute pool that pods of a namespace hold.",
    labels=("llmcluster", "pool", "namespace"),
)
PERSISTENT_VOLUME_CLAIMS = gauge(
    "llmtrain_persistentvolumeclaims",
    "Persistent volume claims of storage pools by purpose and phase.",
    labels=("namespace", "purpose", "phase"),
)
PERSISTENT_VOLUME_CLAIM_SIZE = gauge(
    "llmtrain_persistentvolumeclaim_size_bytes",
    "Bytes that persistent volume claims of storage pools have.",
    labels=("namespace", "purpose"),
)
QUEUE_DEPTH = gauge("llmtrain_operator_queue_depth", "Objects waiting to be reconciled.", labels=())
RECONCILES = counter(
    "llmtrain_operator_reconciles_total", "Reconciliations by kind of object and result.", labels=("kind", "result")
)
RECONCILE_SECONDS = counter("llmtrain_operator_reconcile_seconds_total", "Seconds spent reconciling.", labels=("kind",))
API_CALLS = counter(
    "llmtrain_operator_api_calls_total", "Calls to the Kubernetes API.", labels=("verb", "resource", "code")
)
LEADER = gauge("llmtrain_operator_leader", "1 in the replica that is active.", labels=())

METRICS = (
    JOBS,
    JOB_QUEUED,
    POOL_NODES,
    POOL_NODE,
    POOL_GPUS,
    POOL_GPUS_ALLOCATED,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUME_CLAIM_SIZE,
    QUEUE_DEPTH,
    RECONCILES,
    RECONCILE_SECONDS,
    API_CALLS,
    LEADER,
)
