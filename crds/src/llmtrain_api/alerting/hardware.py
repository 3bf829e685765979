"""Recording rules of hardware by pod, job and LLMCluster, from the node agent's metrics by GPU, pod and node."""

from llmtrain_api.alerting.rule import BY_JOB, RecordingRule

POOLED = "max by (llmcluster, node) (llmtrain_pool_node_info)"
"""The LLMClusters that each node belongs to."""
JOBS_OWN = '{training_job!=""}'


def joined_with_owner_pod(metric: str, chosen: str = "") -> str:
    """Return a GPU metric with the labels of the pod that the GPU is assigned to.

    `chosen` is a label selector for the pod. A GPU that several pods share has no owner.
    """
    assigned = f"max by (node, gpu, namespace, pod, training_job) (llmtrain_gpu_assigned{chosen})"
    return f"max by (node, gpu) ({metric}) * on (node, gpu) group_left (namespace, pod, training_job) {assigned}"


def of_job(metric: str) -> str:
    """Return a GPU metric with the labels of its pod, for pods of training jobs."""
    return joined_with_owner_pod(metric, JOBS_OWN)


def of_pods(expr: str, more: str = "") -> str:
    """Return one series per pod of a training job, even if several targets export it.

    `expr` contains %s for the label selector; `more` are further labels to keep.
    """
    return f"max by (node, namespace, pod, training_job{more}) ({expr % JOBS_OWN})"


def of_cluster(expr: str) -> str:
    """Return the sum by LLMCluster of an expression that has one series per node."""
    return f"sum by (llmcluster) ({POOLED} * on (node) group_left () sum by (node) ({expr}))"


def xid_errors(chosen: str = "") -> str:
    """Return the XID errors of the last 15 minutes by GPU and XID.

    The first error of an XID creates its series, which increase() does not count: hence the second term.
    """
    counted = f"llmtrain_gpu_xid_errors_total{chosen}"
    return (
        f"sum by (node, gpu, xid) (increase({counted}[15m])) > 0"
        f" or sum by (node, gpu, xid) ({counted} unless {counted} offset 15m)"
    )


POD_GPU = RecordingRule(
    record="pod:llmtrain_gpu_utilization_ratio:avg",
    expr=f"avg by (namespace, pod, training_job) ({joined_with_owner_pod('llmtrain_gpu_utilization_ratio')})",
    help="Average utilization of a pod's GPUs.",
)
JOB_GPU = RecordingRule(
    record="training_job:llmtrain_gpu_utilization_ratio:avg",
    expr=f"avg {BY_JOB} ({of_job('llmtrain_gpu_utilization_ratio')})",
    help="Average utilization of a job's GPUs.",
)
JOB_TENSOR = RecordingRule(
    record="training_job:llmtrain_gpu_tensor_active_ratio:avg",
    expr=f"avg {BY_JOB} ({of_job('llmtrain_gpu_tensor_active_ratio')})",
    help="Average tensor core activity of a job's GPUs.",
)
JOB_GPU_MEMORY = RecordingRule(
    record="training_job:llmtrain_gpu_memory_used_bytes:sum",
    expr=f"sum {BY_JOB} ({of_job('llmtrain_gpu_memory_used_bytes')})",
    help="GPU memory used by a job.",
)
JOB_POWER = RecordingRule(
    record="training_job:llmtrain_gpu_power_watts:sum",
    expr=f"sum {BY_JOB} ({of_job('llmtrain_gpu_power_watts')})",
    help="Power draw of a job's GPUs.",
)
JOB_CPU = RecordingRule(
    record="training_job:llmtrain_pod_cpu_seconds:rate5m",
    expr=f"sum {BY_JOB} ({of_pods('rate(llmtrain_pod_cpu_seconds_total%s[5m])')})",
    help="CPU cores used by a job.",
)
JOB_MEMORY = RecordingRule(
    record="training_job:llmtrain_pod_memory_used_bytes:sum",
    expr=f"sum {BY_JOB} ({of_pods('llmtrain_pod_memory_used_bytes%s')})",
    help="Memory used by a job's pods.",
)
JOB_NETWORK = RecordingRule(
    record="training_job:llmtrain_pod_network_bytes:rate5m",
    expr=(
        "sum by (namespace, training_job, direction)"
        f" ({of_pods('rate(llmtrain_pod_network_bytes_total%s[5m])', ', direction')})"
    ),
    help="Bytes per second received and sent by a job's pods.",
)
CLUSTER_GPU = RecordingRule(
    record="llmcluster:llmtrain_gpu_utilization_ratio:avg",
    expr=(
        f"{of_cluster('max by (node, gpu) (llmtrain_gpu_utilization_ratio)')}"
        f" / {of_cluster('count by (node, gpu) (llmtrain_gpu_utilization_ratio) > bool 0')}"
    ),
    help="Average utilization of the GPUs on an LLMCluster's nodes.",
)
CLUSTER_MEMORY = RecordingRule(
    record="llmcluster:llmtrain_node_memory_used_bytes:ratio",
    expr=(
        f"{of_cluster('max by (node) (llmtrain_node_memory_used_bytes)')}"
        f" / {of_cluster('max by (node) (llmtrain_node_memory_size_bytes)')}"
    ),
    help="Fraction of memory in use on an LLMCluster's nodes.",
)
CLUSTER_NETWORK = RecordingRule(
    record="llmcluster:llmtrain_node_network_bytes:rate5m",
    expr=of_cluster('max by (node, device) (rate(llmtrain_node_network_bytes_total{direction="sent"}[5m]))'),
    help="Bytes per second sent by an LLMCluster's nodes.",
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
