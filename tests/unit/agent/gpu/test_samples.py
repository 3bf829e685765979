"""Known values of a GPU have samples with the catalogue's labels; unknown values have none."""

from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.gpu.samples import samples
from llmtrain_api.metrics import node as metrics
from llmtrain_api.metrics.metric import Sample

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
NOT_OF_READINGS = {metrics.GPU_LIBRARY, metrics.GPU_ASSIGNED, metrics.GPU_SHARED}


def test_every_gpu_metric_has_samples_with_the_labels_of_the_catalogue() -> None:
    exported = list(samples([FULL], "node-a"))
    assert all(len(sample.labels) == len(sample.metric.labels) for sample in exported)
    assert all(sample.labels[:2] == ("node-a", "3") for sample in exported)
    gpu_metrics = {metric for metric in metrics.METRICS if metric.name.startswith("llmtrain_gpu_")}
    assert {sample.metric for sample in exported} == gpu_metrics - NOT_OF_READINGS
    assert Sample(metrics.GPU_THROTTLED, ("node-a", "3", "power"), 1.0) in exported
    assert Sample(metrics.GPU_INFO, ("node-a", "3", "GPU-3", "NVIDIA H100"), 1.0) in exported


def test_an_unknown_value_has_no_sample_and_an_idle_gpu_has_one() -> None:
    unknown = GpuReading(index="0", uuid="GPU-0", model="T4")
    assert [sample.metric for sample in samples([unknown], "n")] == [metrics.GPU_INFO, metrics.GPU_LOST]
    idle = GpuReading(index="0", uuid="GPU-0", model="T4", utilization_ratio=0.0)
    assert Sample(metrics.GPU_UTILIZATION, ("n", "0"), 0.0) in list(samples([idle], "n"))


def test_a_gpu_that_is_lost_before_it_is_identified_is_only_lost() -> None:
    assert list(samples([GpuReading(index="0", uuid="", model="", lost=True)], "n")) == [
        Sample(metrics.GPU_LOST, ("n", "0"), 1.0)
    ]
