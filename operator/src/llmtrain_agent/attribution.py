"""Attributes GPUs to pods: a GPU belongs to the pod that the kubelet assigned one of its device ids to.

The kubelet knows devices by the ids of their device plugin, usually GPU UUIDs. A GPU that several pods share is
reported as shared and attributed to none, because NVML cannot say which of them uses it.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.podresources import PodName
from llmtrain_agent.pods import Pod
from llmtrain_api.metrics import node as metrics
from llmtrain_api.metrics.metric import Sample


@dataclass(frozen=True, kw_only=True)
class GpuAttribution:
    """The pod of one GPU."""

    gpu: str
    """The GPU's stable index, as in GpuReading."""
    shared: bool
    """Whether several pods own devices of the GPU."""
    pod: PodName | None
    """The only pod that owns the GPU; None if there is none or several."""
    training_job: str
    """The job of that pod; empty if it has none."""


def attribute_gpus(
    readings: Iterable[GpuReading], device_owners: Mapping[str, Set[PodName]], pods: Iterable[Pod]
) -> Iterator[GpuAttribution]:
    """Yield the attribution of each GPU, from the owners of each device id."""
    jobs = {(pod.namespace, pod.name): pod.training_job for pod in pods}
    for reading in readings:
        device_ids = (reading.uuid, *reading.device_ids)
        owners = {pod for device_id in device_ids for pod in device_owners.get(device_id, ())}
        pod = next(iter(owners)) if len(owners) == 1 else None
        job = jobs.get(pod, "") if pod else ""
        yield GpuAttribution(gpu=reading.index, shared=len(owners) > 1, pod=pod, training_job=job)


def attribution_samples(attributions: Iterable[GpuAttribution], node: str) -> Iterator[Sample]:
    """Yield whether each GPU is shared, and the pod that it is assigned to."""
    for attribution in attributions:
        yield Sample(metrics.GPU_SHARED, (node, attribution.gpu), float(attribution.shared))
        if attribution.pod:
            labels = (node, attribution.gpu, *attribution.pod, attribution.training_job)
            yield Sample(metrics.GPU_ASSIGNED, labels, 1.0)
