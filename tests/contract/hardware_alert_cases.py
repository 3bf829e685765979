"""The same for what is told of GPUs, pods and nodes."""

from contract.alert_cases import OF_JOB, Case

POD = 'namespace="team", pod="gpt-worker-0"'
OF_POD = {"namespace": "team", "pod": "gpt-worker-0", "training_job": "gpt"}
ON_NODE, ON_GPU = {"node": "n1"}, {"node": "n1", "gpu": "0"}
POOL_NODE = {'llmtrain_pool_node_info{llmcluster="main", pool="h200", node="n1"}': "1+0x90"}
OF_CLUSTER = {"llmcluster": "main"}


def gpus(metric: str, *values: str, job: str = "gpt", more: str = "") -> dict[str, str]:
    """Return a metric of the node's GPUs 0, 1, …, each of which the pod has."""
    series = {}
    for number, value in enumerate(values):
        series[f'{metric}{{node="n1", gpu="{number}"{more}}}'] = value
        series[f'llmtrain_gpu_assigned{{node="n1", gpu="{number}", {POD}, training_job="{job}"}}'] = "1+0x90"
    return series


def unassigned(metric: str, value: str) -> dict[str, str]:
    """Return a metric of a GPU that nobody has."""
    return {f'{metric}{{node="n1", gpu="0"}}': value}


def pod(metric: str, value: str, job: str = "gpt", more: str = "") -> dict[str, str]:
    """Return a metric of the pod."""
    return {f'{metric}{{node="n1", {POD}, training_job="{job}"{more}}}': value}


def node(metric: str, value: str, more: str = "") -> dict[str, str]:
    """Return a metric of the node."""
    return {f'{metric}{{node="n1"{more}}}': value}


RECORDINGS = {
    "pod:llmtrain_gpu_utilization_ratio:avg": Case(
        speaks=gpus("llmtrain_gpu_utilization_ratio", "0.5+0x30", "1+0x30"),
        silent=unassigned("llmtrain_gpu_utilization_ratio", "0.5+0x30"),
        minute=5,
        labels=OF_POD,
        value=0.75,
    ),
    "training_job:llmtrain_gpu_utilization_ratio:avg": Case(
        speaks=gpus("llmtrain_gpu_utilization_ratio", "0.5+0x30", "1+0x30"),
        silent=gpus("llmtrain_gpu_utilization_ratio", "0.5+0x30", job=""),
        minute=5,
        labels=OF_JOB,
        value=0.75,
    ),
    "training_job:llmtrain_gpu_tensor_active_ratio:avg": Case(
        speaks=gpus("llmtrain_gpu_tensor_active_ratio", "0.25+0x30", "0.75+0x30"),
        silent=unassigned("llmtrain_gpu_tensor_active_ratio", "0.5+0x30"),
        minute=5,
        labels=OF_JOB,
        value=0.5,
    ),
    "training_job:llmtrain_gpu_memory_used_bytes:sum": Case(
        speaks=gpus("llmtrain_gpu_memory_used_bytes", "100+0x30", "200+0x30"),
        silent=unassigned("llmtrain_gpu_memory_used_bytes", "100+0x30"),
        minute=5,
        labels=OF_JOB,
        value=300,
    ),
    "training_job:llmtrain_gpu_power_watts:sum": Case(
        speaks=gpus("llmtrain_gpu_power_watts", "400+0x30", "300+0x30"),
        silent=unassigned("llmtrain_gpu_power_watts", "100+0x30"),
        minute=5,
        labels=OF_JOB,
        value=700,
    ),
    "training_job:llmtrain_pod_cpu_seconds:rate5m": Case(
        speaks=pod("llmtrain_pod_cpu_seconds_total", "0+120x30"),
        silent=pod("llmtrain_pod_cpu_seconds_total", "0+120x30", job=""),
        minute=20,
        labels=OF_JOB,
        value=2,
    ),
    "training_job:llmtrain_pod_memory_used_bytes:sum": Case(
        speaks=pod("llmtrain_pod_memory_used_bytes", "100+0x30"),
        silent=pod("llmtrain_pod_memory_used_bytes", "100+0x30", job=""),
        minute=5,
        labels=OF_JOB,
        value=100,
    ),
    "training_job:llmtrain_pod_network_bytes:rate5m": Case(
        speaks=pod("llmtrain_pod_network_bytes_total", "0+6000x30", more=', direction="sent"'),
        silent=pod("llmtrain_pod_network_bytes_total", "0+6000x30", job="", more=', direction="sent"'),
        minute=20,
        labels={**OF_JOB, "direction": "sent"},
        value=100,
    ),
    "llmcluster:llmtrain_gpu_utilization_ratio:avg": Case(
        speaks={**POOL_NODE, **gpus("llmtrain_gpu_utilization_ratio", "0+0x30", "0.5+0x30", "1+0x30")},
        silent=gpus("llmtrain_gpu_utilization_ratio", "0.5+0x30"),
        minute=5,
        labels=OF_CLUSTER,
        value=0.5,
    ),
    "llmcluster:llmtrain_node_memory_used_bytes:ratio": Case(
        speaks={
            **POOL_NODE,
            **node("llmtrain_node_memory_used_bytes", "50+0x30"),
            **node("llmtrain_node_memory_size_bytes", "200+0x30"),
        },
        silent=node("llmtrain_node_memory_used_bytes", "50+0x30"),
        minute=5,
        labels=OF_CLUSTER,
        value=0.25,
    ),
    "llmcluster:llmtrain_node_network_bytes:rate5m": Case(
        speaks={
            **POOL_NODE,
            **node("llmtrain_node_network_bytes_total", "0+6000x30", ', device="eth0", direction="sent"'),
            **node("llmtrain_node_network_bytes_total", "0+9000x30", ', device="eth0", direction="received"'),
        },
        silent=node("llmtrain_node_network_bytes_total", "0+6000x30", ', device="eth0", direction="sent"'),
        minute=20,
        labels=OF_CLUSTER,
        value=100,
    ),
}

ALERTS = {
    "LlmtrainGpuLowUse": Case(
        speaks=gpus("llmtrain_gpu_utilization_ratio", "0.9+0x10 0.05+0x80"),
        silent=gpus("llmtrain_gpu_utilization_ratio", "0.05+0x10 0.9+0x80"),
        minute=60,
        labels=OF_POD,
    ),
    "LlmtrainGpuLost": Case(
        speaks=unassigned("llmtrain_gpu_lost", "0+0x5 1+0x30"),
        silent=unassigned("llmtrain_gpu_lost", "0+0x30"),
        minute=10,
        labels=ON_GPU,
    ),
    "LlmtrainGpuXid": Case(
        speaks=gpus("llmtrain_gpu_xid_errors_total", "_x20 1+0x30", more=', xid="79"'),
        silent=gpus("llmtrain_gpu_xid_errors_total", "1+0x60", more=', xid="79"'),
        minute=25,
        labels={**ON_GPU, "xid": "79"},
    ),
    "LlmtrainGpuMemoryErrors": Case(
        speaks=gpus("llmtrain_gpu_ecc_errors_total", "0+0x10 1+0x60", more=', severity="uncorrected"'),
        silent=gpus("llmtrain_gpu_ecc_errors_total", "0+1x90", more=', severity="corrected"'),
        minute=30,
        labels=ON_GPU,
    ),
    "LlmtrainGpuThrottled": Case(
        speaks=gpus("llmtrain_gpu_throttled", "1+0x60", more=', reason="thermal"'),
        silent=gpus("llmtrain_gpu_throttled", "1+0x60", more=', reason="power"'),
        minute=30,
        labels={**ON_GPU, "reason": "thermal"},
    ),
    "LlmtrainInfinibandErrors": Case(
        speaks=node("llmtrain_node_infiniband_errors_total", "0+5x60", ', device="mlx5_0", port="1"'),
        silent=node("llmtrain_node_infiniband_errors_total", "7+0x60", ', device="mlx5_0", port="1"'),
        minute=30,
        labels={**ON_NODE, "device": "mlx5_0", "port": "1"},
    ),
    "LlmtrainMemoryNearLimit": Case(
        speaks={
            **pod("llmtrain_pod_memory_used_bytes", "98+0x30"),
            **pod("llmtrain_pod_memory_limit_bytes", "100+0x30"),
        },
        silent={
            **pod("llmtrain_pod_memory_used_bytes", "60+0x30"),
            **pod("llmtrain_pod_memory_limit_bytes", "100+0x30"),
        },
        minute=15,
        labels={**ON_NODE, **OF_POD},
    ),
    "LlmtrainAgentMissing": Case(
        speaks={**POOL_NODE, 'llmtrain_agent_gpu_library_info{node="n2", source="nvml", version="1"}': "1+0x60"},
        silent={**POOL_NODE, 'llmtrain_agent_gpu_library_info{node="n1", source="nvml", version="1"}': "1+0x60"},
        minute=30,
        labels={**OF_CLUSTER, **ON_NODE},
    ),
}
