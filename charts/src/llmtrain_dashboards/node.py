"""One node, its GPUs and the pods on it."""

from llmtrain_api.alerting.hardware import xid_errors
from llmtrain_dashboards.dashboard import RATE, Dashboard, Row, Variable, series_panel, stat_panel

NODE, UNUSUAL = '{node=~"$node"}', '{node=~"$node", reason!="power"}'
# The agent's own pod is in the labels of all it tells without a pod, so series are compared by node and GPU.
HELD = (
    f"max by (node, gpu, namespace, pod) (llmtrain_gpu_assigned{NODE})"
    f" or on (node, gpu) max by (node, gpu) (llmtrain_gpu_shared{NODE} or 0 * llmtrain_gpu_info{NODE})"
)


def rate(metric: str) -> str:
    """Return a counter's speed on the chosen nodes."""
    return f"rate({metric}{NODE}{RATE})"


# Nodes of no pool, such as control planes, have no label llmcluster: they are there as long as no LLMCluster is chosen.
NODES = '{__name__=~"llmtrain_pool_node_info|llmtrain_node_cpus", llmcluster=~"$llmcluster"}'

FINE = Row(
    title="Is it fine?",
    panels=(
        stat_panel(
            "CPU",
            "Part of the CPUs that is busy.",
            "percentunit",
            f"sum({rate('llmtrain_node_cpu_seconds_total')}) / sum(llmtrain_node_cpus{NODE})",
            (0.95, "orange"),
        ),
        stat_panel(
            "Memory",
            "Part of the memory that nobody else could have.",
            "percentunit",
            f"sum(llmtrain_node_memory_used_bytes{NODE}) / sum(llmtrain_node_memory_size_bytes{NODE})",
            (0.9, "orange"),
            (0.97, "red"),
        ),
        stat_panel(
            "GPUs lost", "GPUs that don't answer any more.", "short", f"sum(llmtrain_gpu_lost{NODE})", (1, "red")
        ),
        stat_panel(
            "XID errors",
            "Errors that drivers reported in the last quarter of an hour.",
            "short",
            f"sum({xid_errors(NODE)}) or 0 * sum(llmtrain_gpu_info{NODE})",
            (1, "orange"),
        ),
        stat_panel(
            "GPUs throttled",
            "GPUs whose clocks are held down for heat, or because the board says so.",
            "short",
            f"sum(max by (node, gpu) (llmtrain_gpu_throttled{UNUSUAL}))",
            (1, "orange"),
        ),
        stat_panel(
            "Hottest GPU",
            "Degrees Celsius.",
            "celsius",
            f"max(llmtrain_gpu_temperature_celsius{NODE})",
            (80, "orange"),
            (90, "red"),
        ),
    ),
)
ACTIVITY = Row(
    title="What GPUs do",
    panels=(
        series_panel(
            "Utilization",
            "Part of the time in which any kernel ran, however small.",
            "percentunit",
            f"llmtrain_gpu_utilization_ratio{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Multiprocessors",
            "Part of their time in which they had work.",
            "percentunit",
            f"llmtrain_gpu_sm_active_ratio{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Tensor cores",
            "Part of the time in which they were busy.",
            "percentunit",
            f"llmtrain_gpu_tensor_active_ratio{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Memory bus",
            "Part of the time in which the GPU's memory was read or written.",
            "percentunit",
            f"llmtrain_gpu_memory_active_ratio{NODE}",
            "{{node}} {{gpu}}",
        ),
    ),
)
STATE = Row(
    title="State of GPUs",
    panels=(
        series_panel(
            "GPU memory",
            "Part in use.",
            "percentunit",
            f"llmtrain_gpu_memory_used_bytes{NODE} / llmtrain_gpu_memory_size_bytes{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Power",
            "Part of what each may draw.",
            "percentunit",
            f"llmtrain_gpu_power_watts{NODE} / llmtrain_gpu_power_limit_watts{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Energy",
            "What each used in the last hour, in joules.",
            "joule",
            f"increase(llmtrain_gpu_energy_joules_total{NODE}[1h])",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Clocks",
            "Of multiprocessors and memory.",
            "hertz",
            f"llmtrain_gpu_clock_hertz{NODE}",
            "{{node}} {{gpu}} {{clock}}",
        ),
    ),
)
LINKS = Row(
    title="Links and memory errors of GPUs",
    panels=(
        series_panel(
            "PCIe",
            "Bytes a second.",
            "Bps",
            f"llmtrain_gpu_pcie_bytes_per_second{NODE}",
            "{{node}} {{gpu}} {{direction}}",
        ),
        series_panel(
            "NVLink",
            "Bytes a second over all links of each GPU.",
            "Bps",
            rate("llmtrain_gpu_nvlink_bytes_total"),
            "{{node}} {{gpu}} {{direction}}",
        ),
        series_panel(
            "ECC errors",
            "Since the driver was loaded.",
            "short",
            f"llmtrain_gpu_ecc_errors_total{NODE}",
            "{{node}} {{gpu}} {{severity}}",
        ),
        series_panel(
            "Who has each GPU",
            "1 for the pod that the kubelet gave it to; without a pod, 1 if several share it and 0 if nobody has it.",
            "short",
            HELD,
            "{{node}} {{gpu}} {{namespace}}/{{pod}}",
        ),
    ),
)
MACHINE = Row(
    title="The node",
    panels=(
        series_panel(
            "Network",
            "Bytes a second of devices that lead out.",
            "Bps",
            rate("llmtrain_node_network_bytes_total"),
            "{{node}} {{device}} {{direction}}",
        ),
        series_panel(
            "InfiniBand",
            "Bytes a second.",
            "Bps",
            rate("llmtrain_node_infiniband_bytes_total"),
            "{{node}} {{device}}/{{port}} {{direction}}",
        ),
        series_panel(
            "InfiniBand errors",
            "In an hour.",
            "short",
            f"increase(llmtrain_node_infiniband_errors_total{NODE}[1h])",
            "{{node}} {{device}}/{{port}}",
        ),
        series_panel(
            "Disks", "Bytes a second.", "Bps", rate("llmtrain_node_disk_bytes_total"), "{{node}} {{direction}}"
        ),
    ),
)
PODS = Row(
    title="Pods",
    panels=(
        series_panel(
            "CPU of pods",
            "CPUs each keeps busy.",
            "short",
            rate("llmtrain_pod_cpu_seconds_total"),
            "{{namespace}}/{{pod}}",
            stack=True,
        ),
        series_panel(
            "Memory of pods",
            "What can't be reclaimed.",
            "bytes",
            f"llmtrain_pod_memory_used_bytes{NODE}",
            "{{namespace}}/{{pod}}",
            stack=True,
        ),
        series_panel(
            "Memory to the limit",
            "Part of what each may use.",
            "percentunit",
            f"llmtrain_pod_memory_used_bytes{NODE} / llmtrain_pod_memory_limit_bytes{NODE}",
            "{{namespace}}/{{pod}}",
        ),
        series_panel(
            "Network of pods",
            "Bytes a second.",
            "Bps",
            rate("llmtrain_pod_network_bytes_total"),
            "{{namespace}}/{{pod}} {{direction}}",
        ),
        series_panel(
            "Disks by pod",
            "Bytes a second.",
            "Bps",
            rate("llmtrain_pod_disk_bytes_total"),
            "{{namespace}}/{{pod}} {{direction}}",
        ),
    ),
)
AGENTS = Row(
    title="Agents",
    panels=(
        series_panel(
            "GPU library",
            "Agents by who reads the GPUs of their nodes: they do (nvml), another exporter (dcgm), or nobody.",
            "short",
            f"count by (source) (llmtrain_agent_gpu_library_info{NODE})",
            "{{source}}",
        ),
    ),
)

BOARD = Dashboard(
    uid="llmtrain-node",
    title="llmtrain / Node",
    description="What a node, its GPUs and its pods do.",
    variables=(
        Variable(name="llmcluster", label="LLMCluster", query="label_values(llmtrain_pool_node_info, llmcluster)"),
        Variable(name="node", label="Node", query=f"label_values({NODES}, node)", all_matches_any=False),
    ),
    rows=(FINE, ACTIVITY, STATE, LINKS, MACHINE, PODS, AGENTS),
)
