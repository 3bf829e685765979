"""Nodes, their GPUs and their pods."""

from llmtrain_api.alerting.hardware import xid_errors
from llmtrain_dashboards.dashboard import RATE, Dashboard, Row, Variable, series_panel, stat_panel

NODE, UNUSUAL = '{node=~"$node"}', '{node=~"$node", reason!="power"}'
# Series without a pod label get the agent's own pod from Prometheus, so series are matched by node and GPU.
ASSIGNMENT = (
    f"max by (node, gpu, namespace, pod) (llmtrain_gpu_assigned{NODE})"
    f" or on (node, gpu) max by (node, gpu) (llmtrain_gpu_shared{NODE} or 0 * llmtrain_gpu_info{NODE})"
)


def rate(metric: str) -> str:
    """Return a counter's per-second rate on the selected nodes."""
    return f"rate({metric}{NODE}{RATE})"


# Nodes outside all pools, such as control planes, have no label llmcluster: they are listed unless an LLMCluster is selected.
NODES = '{__name__=~"llmtrain_pool_node_info|llmtrain_node_cpus", llmcluster=~"$llmcluster"}'

HEALTH = Row(
    title="Health",
    panels=(
        stat_panel(
            "CPU",
            "Fraction of the CPUs in use.",
            "percentunit",
            f"sum({rate('llmtrain_node_cpu_seconds_total')}) / sum(llmtrain_node_cpus{NODE})",
            (0.95, "orange"),
        ),
        stat_panel(
            "Memory",
            "Fraction of memory in use that can't be reclaimed.",
            "percentunit",
            f"sum(llmtrain_node_memory_used_bytes{NODE}) / sum(llmtrain_node_memory_size_bytes{NODE})",
            (0.9, "orange"),
            (0.97, "red"),
        ),
        stat_panel("GPUs lost", "GPUs that no longer respond.", "short", f"sum(llmtrain_gpu_lost{NODE})", (1, "red")),
        stat_panel(
            "XID errors",
            "XID errors that drivers reported in the last 15 minutes.",
            "short",
            f"sum({xid_errors(NODE)}) or 0 * sum(llmtrain_gpu_info{NODE})",
            (1, "orange"),
        ),
        stat_panel(
            "GPUs throttled",
            "GPUs whose clocks are reduced because of heat or by the board.",
            "short",
            f"sum(max by (node, gpu) (llmtrain_gpu_throttled{UNUSUAL}))",
            (1, "orange"),
        ),
        stat_panel(
            "Hottest GPU",
            "Highest GPU temperature, in degrees Celsius.",
            "celsius",
            f"max(llmtrain_gpu_temperature_celsius{NODE})",
            (80, "orange"),
            (90, "red"),
        ),
    ),
)
ACTIVITY = Row(
    title="GPU activity",
    panels=(
        series_panel(
            "Utilization",
            "Fraction of time in which a kernel ran, however small.",
            "percentunit",
            f"llmtrain_gpu_utilization_ratio{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Multiprocessors",
            "Fraction of time in which multiprocessors had work.",
            "percentunit",
            f"llmtrain_gpu_sm_active_ratio{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Tensor cores",
            "Fraction of time in which tensor cores were active.",
            "percentunit",
            f"llmtrain_gpu_tensor_active_ratio{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Memory bus",
            "Fraction of time in which the GPU's memory was read or written.",
            "percentunit",
            f"llmtrain_gpu_memory_active_ratio{NODE}",
            "{{node}} {{gpu}}",
        ),
    ),
)
STATE = Row(
    title="GPU state",
    panels=(
        series_panel(
            "GPU memory",
            "Fraction of the GPU's memory in use.",
            "percentunit",
            f"llmtrain_gpu_memory_used_bytes{NODE} / llmtrain_gpu_memory_size_bytes{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Power",
            "Power draw relative to the power limit.",
            "percentunit",
            f"llmtrain_gpu_power_watts{NODE} / llmtrain_gpu_power_limit_watts{NODE}",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Energy",
            "Energy that each GPU used in the last hour, in joules.",
            "joule",
            f"increase(llmtrain_gpu_energy_joules_total{NODE}[1h])",
            "{{node}} {{gpu}}",
        ),
        series_panel(
            "Clocks",
            "Clock frequencies of multiprocessors and memory.",
            "hertz",
            f"llmtrain_gpu_clock_hertz{NODE}",
            "{{node}} {{gpu}} {{clock}}",
        ),
    ),
)
LINKS = Row(
    title="GPU links and memory errors",
    panels=(
        series_panel(
            "PCIe",
            "PCIe traffic of each GPU, in bytes per second.",
            "Bps",
            f"llmtrain_gpu_pcie_bytes_per_second{NODE}",
            "{{node}} {{gpu}} {{direction}}",
        ),
        series_panel(
            "NVLink",
            "Traffic over all NVLinks of each GPU, in bytes per second.",
            "Bps",
            rate("llmtrain_gpu_nvlink_bytes_total"),
            "{{node}} {{gpu}} {{direction}}",
        ),
        series_panel(
            "ECC errors",
            "ECC errors since the driver was loaded.",
            "short",
            f"llmtrain_gpu_ecc_errors_total{NODE}",
            "{{node}} {{gpu}} {{severity}}",
        ),
        series_panel(
            "GPU assignment",
            "1 for the pod that the kubelet assigned the GPU to. Without a pod: 1 if several pods share it, 0 if it is free.",
            "short",
            ASSIGNMENT,
            "{{node}} {{gpu}} {{namespace}}/{{pod}}",
        ),
    ),
)
MACHINE = Row(
    title="Node",
    panels=(
        series_panel(
            "Network",
            "Bytes per second of the node's network devices, without those of pods.",
            "Bps",
            rate("llmtrain_node_network_bytes_total"),
            "{{node}} {{device}} {{direction}}",
        ),
        series_panel(
            "InfiniBand",
            "InfiniBand traffic, in bytes per second.",
            "Bps",
            rate("llmtrain_node_infiniband_bytes_total"),
            "{{node}} {{device}}/{{port}} {{direction}}",
        ),
        series_panel(
            "InfiniBand errors",
            "InfiniBand errors in the last hour.",
            "short",
            f"increase(llmtrain_node_infiniband_errors_total{NODE}[1h])",
            "{{node}} {{device}}/{{port}}",
        ),
        series_panel(
            "Disks",
            "Disk traffic, in bytes per second.",
            "Bps",
            rate("llmtrain_node_disk_bytes_total"),
            "{{node}} {{direction}}",
        ),
    ),
)
PODS = Row(
    title="Pods",
    panels=(
        series_panel(
            "CPUs by pod",
            "CPUs that each pod uses.",
            "short",
            rate("llmtrain_pod_cpu_seconds_total"),
            "{{namespace}}/{{pod}}",
            stack=True,
        ),
        series_panel(
            "Memory by pod",
            "Memory in use of each pod that can't be reclaimed.",
            "bytes",
            f"llmtrain_pod_memory_used_bytes{NODE}",
            "{{namespace}}/{{pod}}",
            stack=True,
        ),
        series_panel(
            "Memory limit",
            "Memory in use relative to the pod's memory limit.",
            "percentunit",
            f"llmtrain_pod_memory_used_bytes{NODE} / llmtrain_pod_memory_limit_bytes{NODE}",
            "{{namespace}}/{{pod}}",
        ),
        series_panel(
            "Network by pod",
            "Network traffic of each pod, in bytes per second.",
            "Bps",
            rate("llmtrain_pod_network_bytes_total"),
            "{{namespace}}/{{pod}} {{direction}}",
        ),
        series_panel(
            "Disks by pod",
            "Disk traffic of each pod, in bytes per second.",
            "Bps",
            rate("llmtrain_pod_disk_bytes_total"),
            "{{namespace}}/{{pod}} {{direction}}",
        ),
    ),
)
AGENTS = Row(
    title="Node agents",
    panels=(
        series_panel(
            "GPU library",
            "Node agents by the source of GPU metrics: the agent itself (nvml), DCGM exporter (dcgm), or none.",
            "short",
            f"count by (source) (llmtrain_agent_gpu_library_info{NODE})",
            "{{source}}",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="llmtrain-node",
    title="llmtrain / Node",
    description="Hardware use of nodes, their GPUs and their pods.",
    variables=(
        Variable(name="llmcluster", label="LLMCluster", query="label_values(llmtrain_pool_node_info, llmcluster)"),
        Variable(name="node", label="Node", query=f"label_values({NODES}, node)", all_matches_any=False),
    ),
    rows=(HEALTH, ACTIVITY, STATE, LINKS, MACHINE, PODS, AGENTS),
)
