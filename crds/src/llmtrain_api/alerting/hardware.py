"""What hardware does, by pod, training job and LLMCluster: the node agent tells it by GPU, pod and node."""

from llmtrain_api.alerting.rule import BY_JOB, RecordingRule

POOLED = "max by (llmcluster, node) (llmtrain_pool_node_info)"
"""Which LLMClusters each node is of."""
JOBS_OWN = '{training_job!=""}'


def joined_with_owner_pod(metric: str, chosen: str = "") -> str:
    """Return a GPU's metric with the labels of the pod that has the GPU; `chosen` is a selector of those labels.

    A GPU that several pods share is nobody's.
    """
    assigned = f"max by (node, gpu, namespace, pod, training_job) (llmtrain_gpu_assigned{chosen})"
    return f"max by (node, gpu) ({metric}) * on (node, gpu) group_left (namespace, pod, training_job) {assigned}"


def of_job(metric: str) -> str:
    """Return the same for GPUs that training jobs have."""
    return joined_with_owner_pod(metric, JOBS_OWN)


def of_pods(expr: str, more: str = "") -> str:
    """Return what there is by pod of a training job, once for each however many targets tell it; %s is the selector."""
    return f"max by (node, namespace, pod, training_job{more}) ({expr % JOBS_OWN})"


def of_cluster(expr: str) -> str:
    """Return the sum by LLMCluster of what there is by node."""
    return f"sum by (llmcluster) ({POOLED} * on (node) group_left () sum by (node) ({expr}))"


def xid_errors(chosen: str = "") -> str:
    """Return what errors drivers reported in a quarter of an hour, by GPU and XID. An XID's first one is a series' birth."""
    counted = f"llmtrain_gpu_xid_errors_total{chosen}"
    return (
        f"sum by (node, gpu, xid) (increase({counted}[15m])) > 0"
        f" or sum by (node, gpu, xid) ({counted} unless {counted} offset 15m)"
    )


POD_GPU = RecordingRule(
    record="pod:llmtrain_gpu_utilization_ratio:avg",
    expr=f"avg by (namespace, pod, training_job) ({joined_with_owner_pod('llmtrain_gpu_utilization_ratio')})",
    help="How busy a pod's GPUs are.",
)
JOB_GPU = RecordingRule(
    record="training_job:llmtrain_gpu_utilization_ratio:avg",
    expr=f"avg {BY_JOB} ({of_job('llmtrain_gpu_utilization_ratio')})",
    help="How busy a training job's GPUs are.",
)
JOB_TENSOR = RecordingRule(
    record="training_job:llmtrain_gpu_tensor_active_ratio:avg",
    expr=f"avg {BY_JOB} ({of_job('llmtrain_gpu_tensor_active_ratio')})",
    help="How busy the tensor cores of a training job's GPUs are.",
)
JOB_GPU_MEMORY = RecordingRule(
    record="training_job:llmtrain_gpu_memory_used_bytes:sum",
    expr=f"sum {BY_JOB} ({of_job('llmtrain_gpu_memory_used_bytes')})",
    help="GPU memory that a training job uses.",
)
JOB_POWER = RecordingRule(
    record="training_job:llmtrain_gpu_power_watts:sum",
    expr=f"sum {BY_JOB} ({of_job('llmtrain_gpu_power_watts')})",
    help="Power that a training job's GPUs draw.",
)
JOB_CPU = RecordingRule(
    record="training_job:llmtrain_pod_cpu_seconds:rate5m",
    expr=f"sum {BY_JOB} ({of_pods('rate(llmtrain_pod_cpu_seconds_total%s[5m])')})",
    help="CPUs that a training job keeps busy.",
)
JOB_MEMORY = RecordingRule(
    record="training_job:llmtrain_pod_memory_used_bytes:sum",
    expr=f"sum {BY_JOB} ({of_pods('llmtrain_pod_memory_used_bytes%s')})",
    help="Memory of a training job's pods.",
)
JOB_NETWORK = RecordingRule(
    record="training_job:llmtrain_pod_network_bytes:rate5m",
    expr=(
        "sum by (namespace, training_job, direction)"
        f" ({of_pods('rate(llmtrain_pod_network_bytes_total%s[5m])', ', direction')})"
    ),
    help="Bytes a second that a training job's pods receive and send.",
)
CLUSTER_GPU = RecordingRule(
    record="llmcluster:llmtrain_gpu_utilization_ratio:avg",
    expr=(
        f"{of_cluster('max by (node, gpu) (llmtrain_gpu_utilization_ratio)')}"
        f" / {of_cluster('count by (node, gpu) (llmtrain_gpu_utilization_ratio) > bool 0')}"
    ),
    help="How busy the GPUs of an LLMCluster's nodes are.",
)
CLUSTER_MEMORY = RecordingRule(
    record="llmcluster:llmtrain_node_memory_used_bytes:ratio",
    expr=(
        f"{of_cluster('max by (node) (llmtrain_node_memory_used_bytes)')}"
        f" / {of_cluster('max by (node) (llmtrain_node_memory_size_bytes)')}"
    ),
    help="Part of the memory of an LLMCluster's nodes that nobody else could have.",
)
CLUSTER_NETWORK = RecordingRule(
    record="llmcluster:llmtrain_node_network_bytes:rate5m",
    expr=of_cluster('max by (node, device) (rate(llmtrain_node_network_bytes_total{direction="sent"}[5m]))'),
    help="Bytes a second that an LLMCluster's nodes send.",
)

RECORDINGS = (
    POD_GPU,
    JOB_GPU,
    JOB_TENSOR,
    JOB_GPU_MEMORY,
    JOB_POWER,
    JOB_CPU,
    JOB_MEMORY,
    JOB_NETWORK,
    CLUSTER_GPU,
    CLUSTER_MEMORY,
    CLUSTER_NETWORK,
)
