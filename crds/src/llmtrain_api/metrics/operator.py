"""Metrics of jobs, pools, volumes and the operator itself, exported by the operator."""

from llmtrain_api.metrics.metric import counter, gauge

JOBS = gauge(
    "llmtrain_jobs",
    "Jobs by current condition and reason; each job is counted once.",
    labels=("namespace", "condition", "reason"),
)
JOB_QUEUED = gauge("llmtrain_job_queued_seconds", "Total time that a job has waited to be scheduled.")
POOL_NODES = gauge(
    "llmtrain_pool_nodes",
    "Nodes of a compute pool by state: ready, unready, or missing (expected but not present).",
    labels=("llmcluster", "pool", "state"),
)
POOL_NODE = gauge(
    "llmtrain_pool_node_info", "Always 1. Lists the nodes of each compute pool.", labels=("llmcluster", "pool", "node")
)
POOL_GPUS = gauge(
    "llmtrain_pool_gpus",
    "GPUs of a compute pool by state: allocated to a pod, unhealthy (not allocatable), or idle. Each is in one state.",
    labels=("llmcluster", "pool", "state"),
)
POOL_GPUS_ALLOCATED = gauge(
    "llmtrain_pool_gpus_allocated",
    "GPUs of a compute pool allocated to pods of a namespace.",
    labels=("llmcluster", "pool", "namespace"),
)
PERSISTENT_VOLUME_CLAIMS = gauge(
    "llmtrain_persistentvolumeclaims",
    "PersistentVolumeClaims of storage pools by purpose and phase.",
    labels=("namespace", "purpose", "phase"),
)
PERSISTENT_VOLUME_CLAIM_SIZE = gauge(
    "llmtrain_persistentvolumeclaim_size_bytes",
    "Capacity of the PersistentVolumeClaims of storage pools.",
    labels=("namespace", "purpose"),
)
QUEUE_DEPTH = gauge("llmtrain_operator_queue_depth", "Objects waiting to be reconciled.", labels=())
RECONCILES = counter(
    "llmtrain_operator_reconciles_total", "Reconciliations by kind and result.", labels=("kind", "result")
)
RECONCILE_SECONDS = counter("llmtrain_operator_reconcile_seconds_total", "Seconds spent reconciling.", labels=("kind",))
API_CALLS = counter(
    "llmtrain_operator_api_calls_total", "Requests to the Kubernetes API.", labels=("verb", "resource", "code")
)
UNREADABLE_OBJECTS = counter(
    "llmtrain_operator_unreadable_objects_total",
    "Versions of Kubernetes objects that the operator cannot read; it keeps the last version that it could read.",
    labels=("kind",),
)
LEADER = gauge("llmtrain_operator_leader", "1 in the replica that leads, else 0.", labels=())

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
    UNREADABLE_OBJECTS,
    LEADER,
)
