"""Metrics of a node, its GPUs and the pods on it, told by the node agent."""

from llmtrain_api.metrics.metric import Metric, declared

NODE_LABELS = ("node",)
GPU_LABELS = ("node", "gpu")
"""`gpu` is the number that the driver gives a GPU on its node; llmtrain_gpu_info has its UUID."""
POD_LABELS = ("node", "namespace", "pod", "training_job")
"""`training_job` is empty for pods that are of no job."""

GPU_LIBRARY = Metric(
    name="llmtrain_agent_gpu_library_info",
    kind="gauge",
    labels=("node", "source", "version"),
    help="1; source says who reads the node's GPUs: nvml, dcgm (another exporter, so the agent doesn't) or none.",
)

GPU_INFO = Metric(
    name="llmtrain_gpu_info",
    kind="gauge",
    labels=("node", "gpu", "uuid", "model"),
    help="1 for each GPU, with what identifies it.",
)
GPU_ASSIGNED = Metric(
    name="llmtrain_gpu_assigned",
    kind="gauge",
    labels=("node", "gpu", "namespace", "pod", "training_job"),
    help="1 for the pod that the kubelet gave a GPU to.",
)
GPU_SHARED = Metric(
    name="llmtrain_gpu_shared",
    kind="gauge",
    labels=GPU_LABELS,
    help="1 if several pods were given a GPU, so that what it does can't be told of one of them.",
)
GPU_LOST = Metric(
    name="llmtrain_gpu_lost",
    kind="gauge",
    labels=GPU_LABELS,
    help="1 if a GPU that was there does not answer any more.",
)
GPU_UTILIZATION = Metric(
    name="llmtrain_gpu_utilization_ratio",
    kind="gauge",
    labels=GPU_LABELS,
    help="Part of the time in which any kernel ran, however small; absent under MIG.",
)
GPU_SM_ACTIVE = Metric(
    name="llmtrain_gpu_sm_active_ratio",
    kind="gauge",
    labels=GPU_LABELS,
    help="Part of the multiprocessors' time in which they had work; absent where the chip doesn't say.",
)
GPU_TENSOR_ACTIVE = Metric(
    name="llmtrain_gpu_tensor_active_ratio",
    kind="gauge",
    labels=GPU_LABELS,
    help="Part of the time in which the tensor cores were busy; absent where the chip doesn't say.",
)
GPU_MEMORY_ACTIVE = Metric(
    name="llmtrain_gpu_memory_active_ratio",
    kind="gauge",
    labels=GPU_LABELS,
    help="Part of the time in which the GPU's memory was read or written.",
)
GPU_MEMORY_USED = Metric(
    name="llmtrain_gpu_memory_used_bytes", kind="gauge", labels=GPU_LABELS, help="GPU memory in use."
)
GPU_MEMORY = Metric(name="llmtrain_gpu_memory_size_bytes", kind="gauge", labels=GPU_LABELS, help="GPU memory in all.")
GPU_TEMPERATURE = Metric(
    name="llmtrain_gpu_temperature_celsius", kind="gauge", labels=GPU_LABELS, help="Temperature of the GPU's die."
)
GPU_POWER = Metric(name="llmtrain_gpu_power_watts", kind="gauge", labels=GPU_LABELS, help="Power the GPU draws.")
GPU_POWER_LIMIT = Metric(
    name="llmtrain_gpu_power_limit_watts", kind="gauge", labels=GPU_LABELS, help="Power the GPU may draw."
)
GPU_ENERGY = Metric(
    name="llmtrain_gpu_energy_joules_total", kind="counter", labels=GPU_LABELS, help="Energy the GPU has used."
)
GPU_CLOCK = Metric(
    name="llmtrain_gpu_clock_hertz",
    kind="gauge",
    labels=(*GPU_LABELS, "clock"),
    help="Clocks of the multiprocessors (sm) and of the memory.",
)
GPU_THROTTLED = Metric(
    name="llmtrain_gpu_throttled",
    kind="gauge",
    labels=(*GPU_LABELS, "reason"),
    help="1 while the clocks are held down for a reason: power, thermal or hardware.",
)
GPU_ECC_ERRORS = Metric(
    name="llmtrain_gpu_ecc_errors_total",
    kind="counter",
    labels=(*GPU_LABELS, "severity"),
    help="Errors in the GPU's memory since the driver was loaded: corrected or uncorrected.",
)
GPU_XID_ERRORS = Metric(
    name="llmtrain_gpu_xid_errors_total",
    kind="counter",
    labels=(*GPU_LABELS, "xid"),
    help="Errors the driver reported, by its XID number, since the agent began.",
)
GPU_PCIE = Metric(
    name="llmtrain_gpu_pcie_bytes_per_second",
    kind="gauge",
    labels=(*GPU_LABELS, "direction"),
    help="Traffic of the GPU over PCIe: received or sent.",
)
GPU_NVLINK = Metric(
    name="llmtrain_gpu_nvlink_bytes_total",
    kind="counter",
    labels=(*GPU_LABELS, "direction"),
    help="Traffic of the GPU over all its NVLinks: received or sent.",
)

NODE_CPUS = Metric(name="llmtrain_node_cpus", kind="gauge", labels=NODE_LABELS, help="CPUs of the node.")
NODE_CPU_SECONDS = Metric(
    name="llmtrain_node_cpu_seconds_total",
    kind="counter",
    labels=NODE_LABELS,
    help="Seconds the node's CPUs were busy.",
)
NODE_MEMORY = Metric(
    name="llmtrain_node_memory_size_bytes", kind="gauge", labels=NODE_LABELS, help="Memory of the node."
)
NODE_MEMORY_USED = Metric(
    name="llmtrain_node_memory_used_bytes",
    kind="gauge",
    labels=NODE_LABELS,
    help="Memory of the node that nobody else could have: all but free and reclaimable memory.",
)
NODE_DISK = Metric(
    name="llmtrain_node_disk_bytes_total",
    kind="counter",
    labels=("node", "direction"),
    help="Bytes the node's disks read or wrote.",
)
NODE_NETWORK = Metric(
    name="llmtrain_node_network_bytes_total",
    kind="counter",
    labels=("node", "device", "direction"),
    help="Bytes the node's network devices received or sent; only devices that lead out of the node.",
)
NODE_INFINIBAND = Metric(
    name="llmtrain_node_infiniband_bytes_total",
    kind="counter",
    labels=("node", "device", "port", "direction"),
    help="Bytes a port of an InfiniBand or RoCE device received or sent. It can't be told by pod.",
)
NODE_INFINIBAND_ERRORS = Metric(
    name="llmtrain_node_infiniband_errors_total",
    kind="counter",
    labels=("node", "device", "port"),
    help="Errors on a port of an InfiniBand or RoCE device: symbol errors, downed links, packets received in error.",
)

POD_CPU_SECONDS = Metric(
    name="llmtrain_pod_cpu_seconds_total", kind="counter", labels=POD_LABELS, help="CPU seconds a pod has used."
)
POD_MEMORY_USED = Metric(
    name="llmtrain_pod_memory_used_bytes",
    kind="gauge",
    labels=POD_LABELS,
    help="Memory of a pod that can't be reclaimed: what brings it near its limit.",
)
POD_MEMORY_LIMIT = Metric(
    name="llmtrain_pod_memory_limit_bytes",
    kind="gauge",
    labels=POD_LABELS,
    help="Memory a pod may use; absent without a limit.",
)
POD_DISK = Metric(
    name="llmtrain_pod_disk_bytes_total",
    kind="counter",
    labels=(*POD_LABELS, "direction"),
    help="Bytes a pod read from or wrote to disks.",
)
POD_NETWORK = Metric(
    name="llmtrain_pod_network_bytes_total",
    kind="counter",
    labels=(*POD_LABELS, "direction"),
    help="Bytes a pod received or sent; absent for pods in the node's network, whose bytes can't be told from the node's.",
)

METRICS = declared(dict(globals()))
