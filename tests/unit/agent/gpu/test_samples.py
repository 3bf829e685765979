from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.gpu.samples import samples
from llmtrain_api.metrics import node as metrics

FULL = GpuReading(
    index="3",
    uuid="GPU-3",
    model="NVIDIA H100",
    utilization_ratio=0.5,
    sm_active_ratio=0.5,
    tensor_active_ratio=0.5,
    memory_active_ratio=0.5,
    memory_used_bytes=1.0,
    memory_size_bytes=2.0,
    temperature_celsius=60.0,
    power_watts=500.0,
    power_limit_watts=700.0,
    energy_joules=1e6,
    clock_hertz={"sm": 1e9, "memory": 2e9},
    throttled={"power": True, "thermal": False, "hardware": False},
    ecc_errors={"corrected": 1, "uncorrected": 0},
    xid_errors={"79": 1},
    pcie_bytes_per_second={"received": 1.0, "sent": 2.0},
    nvlink_bytes={"received": 1.0, "sent": 2.0},
)
OF_OTHERS = {metrics.GPU_LIBRARY, metrics.GPU_ASSIGNED, metrics.GPU_SHARED}


def test_every_metric_of_a_gpu_is_told_with_the_labels_of_the_catalogue() -> None:
    told = list(samples([FULL], "node-a"))
    assert all(len(labels) == len(metric.labels) for metric, _, labels in told)
    assert all(labels[:2] == ("node-a", "3") for _, _, labels in told)
    gpu_metrics = {metric for metric in metrics.METRICS if metric.name.startswith("llmtrain_gpu_")}
    assert {metric for metric, _, _ in told} == gpu_metrics - OF_OTHERS
    assert (metrics.GPU_THROTTLED, 1.0, ("node-a", "3", "power")) in told
    assert (metrics.GPU_INFO, 1.0, ("node-a", "3", "GPU-3", "NVIDIA H100")) in told


def test_what_is_unknown_has_no_sample_and_an_idle_gpu_has_one() -> None:
    silent = GpuReading(index="0", uuid="GPU-0", model="T4")
    assert [metric for metric, _, _ in samples([silent], "n")] == [metrics.GPU_INFO, metrics.GPU_LOST]
    idle = GpuReading(index="0", uuid="GPU-0", model="T4", utilization_ratio=0.0)
    assert (metrics.GPU_UTILIZATION, 0.0, ("n", "0")) in list(samples([idle], "n"))


def test_a_lost_gpu_without_a_name_is_told_as_lost_alone() -> None:
    assert list(samples([GpuReading(index="0", uuid="", model="", lost=True)], "n")) == [
        (metrics.GPU_LOST, 1.0, ("n", "0"))
    ]
