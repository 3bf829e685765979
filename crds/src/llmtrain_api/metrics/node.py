"""Metrics of a node, its GPUs and the pods on it, told by the node agent."""

from llmtrain_api.metrics.metric import counter, gauge

NODE_LABELS = ("node",)
GPU_LABELS = ("node", "gpu")
"""`gpu` is the number that the driver gives a GPU on its node; llmtrain_gpu_info has its UUID."""
POD_LABELS = ("node", "namespace", "pod", "training_job")
"""`training_job` is empty for pods that are of no job."""

GPU_LIBRARY = gauge(
    "llmtrain_agent_gpu_library_info",
    "1; source says who reads the node's GPUs: nvml, dcgm (another exporter, so the agent doesn't) or none.",
    labels=("node", "source", "version"),
)

GPU_INFO = gauge(
    "llmtrain_gpu_info", "1 for each GPU, with what identifies it.", labels=("node", "gpu", "uuid", "model")
)
GPU_ASSIGNED = gauge(
    "llmtrain_gpu_assigned",
    "1 for the pod that the kubelet gave a GPU to.",
    labels=("node", "gpu", "namespace", "pod", "training_job"),
)
GPU_SHARED = gauge(
    "llmtrain_gpu_shared",
    "1 if several pods were given a GPU, so that what it does can't be told of one of them.",
    labels=GPU_LABELS,
)
GPU_LOST = gauge("llmtrain_gpu_lost", "1 if a GPU that was there does not answer any more.", labels=GPU_LABELS)
GPU_UTILIZATION = gauge(
    "llmtrain_gpu_utilization_ratio",
    "Part of the time in which any kernel ran, however small; absent under MIG.",
    labels=GPU_LABELS,
)
GPU_SM_ACTIVE = gauge(
    "llmtrain_gpu_sm_active_ratio",
    "Part of the multiprocessors' time in which they had work; absent where the chip doesn't say.",
    labels=GPU_LABELS,
)
GPU_TENSOR_ACTIVE = gauge(
    "llmtrain_gpu_tensor_active_ratio",
    "Part of the time in which the tensor cores were busy; absent where the chip doesn't say.",
    labels=GPU_LABELS,
)
GPU_MEMORY_ACTIVE = gauge(
    "llmtrain_gpu_memory_active_ratio",
    "Part of the time in which the GPU's memory was read or written.",
    labels=GPU_LABELS,
)
GPU_MEMORY_USED = gauge("llmtrain_gpu_memory_used_bytes", "GPU memory in use.", labels=GPU_LABELS)
GPU_MEMORY = gauge("llmtrain_gpu_memory_size_bytes", "GPU memory in all.", labels=GPU_LABELS)
GPU_TEMPERATURE = gauge("llmtrain_gpu_temperature_celsius", "Temperature of the GPU's die.", labels=GPU_LABELS)
GPU_POWER = gauge("llmtrain_gpu_power_watts", "Power the GPU draws.", labels=GPU_LABELS)
GPU_POWER_LIMIT = gauge("llmtrain_gpu_power_limit_watts", "Power the GPU may draw.", labels=GPU_LABELS)
GPU_ENERGY = counter("llmtrain_gpu_energy_joules_total", "Energy the GPU has used.", labels=GPU_LABELS)
GPU_CLOCK = gauge(
    "llmtrain_gpu_clock_hertz", "Clocks of the multiprocessors (sm) and of the memory.", labels=(*GPU_LABELS, "clock")
)
GPU_THROTTLED = gauge(
    "llmtrain_gpu_throttled",
    "1 while the clocks are held down for a reason: power, thermal or hardware.",
    labels=(*GPU_LABELS, "reason"),
)
GPU_ECC_ERRORS = counter(
    "llmtrain_gpu_ecc_errors_total",
    "Errors in the GPU's memory since the driver was loaded: corrected or uncorrected.",
    labels=(*GPU_LABELS, "severity"),
)
GPU_XID_ERRORS = counter(
    "llmtrain_gpu_xid_errors_total",
    "Errors the driver reported, by its XID number, since the agent began.",
    labels=(*GPU_LABELS, "xid"),
)
GPU_PCIE = gauge(
    "llmtrain_gpu_pcie_bytes_per_second",
    "Traffic of the GPU over PCIe: received or sent.",
    labels=(*GPU_LABELS, "direction"),
)
GPU_NVLINK = counter(
    "llmtrain_gpu_nvlink_bytes_total",
    "Traffic of the GPU over all its NVLinks: received or sent.",
    labels=(*GPU_LABELS, "direction"),
)

NODE_CPUS = gauge("llmtrain_node_cpus", "CPUs of the node.", labels=NODE_LABELS)
NODE_CPU_SECONDS = counter("llmtrain_node_cpu_seconds_total", "Seconds the node's CPUs were busy.", labels=NODE_LABELS)
NODE_MEMORY = gauge("llmtrain_node_memory_size_bytes", "Memory of the node.", labels=NODE_LABELS)
NODE_MEMORY_USED = gauge(
    "llmtrain_node_memory_used_bytes",
    "Memory of the node that nobody else could have: all but free and reclaimable memory.",
    labels=NODE_LABELS,
)
NODE_DISK = counter(
    "llmtrain_node_disk_bytes_total", "Bytes the node's disks read or wrote.", labels=("node", "direction")
)
NODE_NETWORK = counter(
    "llmtrain_node_network_bytes_total",
    "Bytes the node's network devices received or sent; only devices that lead out of the node.",
    labels=("node", "device", "direction"),
)
NODE_INFINIBAND = counter(
    "llmtrain_node_infiniband_bytes_total",
    "Bytes a port of an InfiniBand or RoCE device received or sent. It can't be told by pod.",
    labels=("node", "device", "port", "direction"),
)
NODE_INFINIBAND_ERRORS = counter(
    "llmtrain_node_infiniband_errors_total",
    "Errors on a port of an InfiniBand or RoCE device: symbol errors, downed links, packets received in error.",
    labels=("node", "device", "port"),
)

POD_CPU_SECONDS = counter("llmtrain_pod_cpu_seconds_total", "CPU seconds a pod has used.", labels=POD_LABELS)
POD_MEMORY_USED = gauge(
    "llmtrain_pod_memory_used_bytes",
    "Memory of a pod that can't be reclaimed: what brings it near its limit.",
    labels=POD_LABELS,
)
POD_MEMORY_LIMIT = gauge(
    "llmtrain_pod_memory_limit_bytes", "Memory a pod may use; absent without a limit.", labels=POD_LABELS
)
POD_DISK = counter(
    "llmtrain_pod_disk_bytes_total", "Bytes a pod read from or wrote to disks.", labels=(*POD_LABELS, "direction")
)
POD_NETWORK = counter(
    "llmtrain_pod_network_bytes_total",
    "Bytes a pod received or sent; absent for pods in the node's network, whose bytes can't be told from the node's.",
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
