"""Metrics of a node, its GPUs and the pods on it, exported by the node agent."""

from llmtrain_api.metrics.metric import counter, gauge

NODE_LABELS = ("node",)
GPU_LABELS = ("node", "gpu")
"""`gpu` is the index of a GPU on its node, as the driver counts; llmtrain_gpu_info has its UUID."""
POD_LABELS = ("node", "namespace", "pod", "training_job")
"""`training_job` is empty for pods that belong to no job."""

GPU_LIBRARY = gauge(
    "llmtrain_agent_gpu_library_info",
    "Always 1. `source` is what reads the node's GPUs: nvml, dcgm (DCGM exporter instead of the agent) or none.",
    labels=("node", "source", "version"),
)

GPU_INFO = gauge(
    "llmtrain_gpu_info", "Always 1. Identifies each GPU by UUID and model.", labels=("node", "gpu", "uuid", "model")
)
GPU_ASSIGNED = gauge(
    "llmtrain_gpu_assigned",
    "1 for the pod that the kubelet assigned a GPU to.",
    labels=("node", "gpu", "namespace", "pod", "training_job"),
)
GPU_SHARED = gauge(
    "llmtrain_gpu_shared",
    "1 if several pods share a GPU, so that its metrics are attributed to none of them.",
    labels=GPU_LABELS,
)
GPU_LOST = gauge("llmtrain_gpu_lost", "1 if a GPU no longer answers.", labels=GPU_LABELS)
GPU_UTILIZATION = gauge(
    "llmtrain_gpu_utilization_ratio",
    "Fraction of time in which at least one kernel ran; absent with MIG.",
    labels=GPU_LABELS,
)
GPU_SM_ACTIVE = gauge(
    "llmtrain_gpu_sm_active_ratio",
    "Fraction of time in which streaming multiprocessors had work, averaged over all; absent if the GPU does not report it.",
    labels=GPU_LABELS,
)
GPU_TENSOR_ACTIVE = gauge(
    "llmtrain_gpu_tensor_active_ratio",
    "Fraction of time in which tensor cores were active; absent if the GPU does not report it.",
    labels=GPU_LABELS,
)
GPU_MEMORY_ACTIVE = gauge(
    "llmtrain_gpu_memory_active_ratio",
    "Fraction of time in which GPU memory was read or written.",
    labels=GPU_LABELS,
)
GPU_MEMORY_USED = gauge("llmtrain_gpu_memory_used_bytes", "GPU memory in use.", labels=GPU_LABELS)
GPU_MEMORY = gauge("llmtrain_gpu_memory_size_bytes", "Total GPU memory.", labels=GPU_LABELS)
GPU_TEMPERATURE = gauge("llmtrain_gpu_temperature_celsius", "Temperature of the GPU.", labels=GPU_LABELS)
GPU_POWER = gauge("llmtrain_gpu_power_watts", "Power draw of the GPU.", labels=GPU_LABELS)
GPU_POWER_LIMIT = gauge("llmtrain_gpu_power_limit_watts", "Power limit of the GPU.", labels=GPU_LABELS)
GPU_ENERGY = counter("llmtrain_gpu_energy_joules_total", "Energy consumption of the GPU.", labels=GPU_LABELS)
GPU_CLOCK = gauge(
    "llmtrain_gpu_clock_hertz",
    "Clock of the streaming multiprocessors (sm) and of the memory.",
    labels=(*GPU_LABELS, "clock"),
)
GPU_THROTTLED = gauge(
    "llmtrain_gpu_throttled",
    "1 while the GPU is throttled for a reason: power, thermal or hardware.",
    labels=(*GPU_LABELS, "reason"),
)
GPU_ECC_ERRORS = counter(
    "llmtrain_gpu_ecc_errors_total",
    "ECC errors of GPU memory since the driver was loaded: corrected or uncorrected.",
    labels=(*GPU_LABELS, "severity"),
)
GPU_XID_ERRORS = counter(
    "llmtrain_gpu_xid_errors_total",
    "Errors reported by the driver since the agent started, by XID.",
    labels=(*GPU_LABELS, "xid"),
)
GPU_PCIE = gauge(
    "llmtrain_gpu_pcie_bytes_per_second",
    "PCIe traffic of the GPU: received or sent.",
    labels=(*GPU_LABELS, "direction"),
)
GPU_NVLINK = counter(
    "llmtrain_gpu_nvlink_bytes_total",
    "Traffic over all NVLinks of the GPU: received or sent.",
    labels=(*GPU_LABELS, "direction"),
)

NODE_CPUS = gauge("llmtrain_node_cpus", "CPUs of the node.", labels=NODE_LABELS)
NODE_CPU_SECONDS = counter(
    "llmtrain_node_cpu_seconds_total", "Seconds in which the node's CPUs were busy.", labels=NODE_LABELS
)
NODE_MEMORY = gauge("llmtrain_node_memory_size_bytes", "Memory of the node.", labels=NODE_LABELS)
NODE_MEMORY_USED = gauge(
    "llmtrain_node_memory_used_bytes",
    "Memory of the node that is neither free nor reclaimable.",
    labels=NODE_LABELS,
)
NODE_DISK = counter(
    "llmtrain_node_disk_bytes_total", "Bytes read from or written to the node's disks.", labels=("node", "direction")
)
NODE_NETWORK = counter(
    "llmtrain_node_network_bytes_total",
    "Bytes received or sent by the node's physical network devices.",
    labels=("node", "device", "direction"),
)
NODE_INFINIBAND = counter(
    "llmtrain_node_infiniband_bytes_total",
    "Bytes received or sent by a port of an InfiniBand or RoCE device. Not available per pod.",
    labels=("node", "device", "port", "direction"),
)
NODE_INFINIBAND_ERRORS = counter(
    "llmtrain_node_infiniband_errors_total",
    "Errors on a port of an InfiniBand or RoCE device: symbol errors, downed links, packets received in error.",
    labels=("node", "device", "port"),
)

POD_CPU_SECONDS = counter("llmtrain_pod_cpu_seconds_total", "CPU seconds used by a pod.", labels=POD_LABELS)
POD_MEMORY_USED = gauge(
    "llmtrain_pod_memory_used_bytes",
    "Memory of a pod that cannot be reclaimed and counts towards its limit.",
    labels=POD_LABELS,
)
POD_MEMORY_LIMIT = gauge(
    "llmtrain_pod_memory_limit_bytes", "Memory limit of a pod; absent without a limit.", labels=POD_LABELS
)
POD_DISK = counter(
    "llmtrain_pod_disk_bytes_total", "Bytes read from or written to disks by a pod.", labels=(*POD_LABELS, "direction")
)
POD_NETWORK = counter(
    "llmtrain_pod_network_bytes_total",
    "Bytes received or sent by a pod; absent for pods with hostNetwork.",
    labels=(*POD_LABELS, "direction"),
)

METRICS = (
    GPU_LIBRARY,
    GPU_INFO,
    GPU_ASSIGNED,
    GPU_SHARED,
    GPU_LOST,
    GPU_UTILIZATION,
    GPU_SM_ACTIVE,
    GPU_TENSOR_ACTIVE,
    GPU_MEMORY_ACTIVE,
    GPU_MEMORY_USED,
    GPU_MEMORY,
    GPU_TEMPERATURE,
    GPU_POWER,
    GPU_POWER_LIMIT,
    GPU_ENERGY,
    GPU_CLOCK,
    GPU_THROTTLED,
    GPU_ECC_ERRORS,
    GPU_XID_ERRORS,
    GPU_PCIE,
    GPU_NVLINK,
    NODE_CPUS,
    NODE_CPU_SECONDS,
    NODE_MEMORY,
    NODE_MEMORY_USED,
    NODE_DISK,
    NODE_NETWORK,
    NODE_INFINIBAND,
    NODE_INFINIBAND_ERRORS,
    POD_CPU_SECONDS,
    POD_MEMORY_USED,
    POD_MEMORY_LIMIT,
    POD_DISK,
    POD_NETWORK,
)
