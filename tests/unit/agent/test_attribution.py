"""A GPU is attributed to the one pod that the kubelet assigned it to."""

import pytest

from llmtrain_agent.attribution import GpuAttribution, attribute_gpus, attribution_samples
from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.pods import Pod
from llmtrain_api.metrics import node as metrics
from llmtrain_api.metrics.metric import Sample

GPU = GpuReading(index="0", uuid="GPU-a", model="H100", device_ids=("nvidia0", "MIG-a"))
POD = ("team", "gpt-worker-0")
PODS = [Pod(namespace="team", name="gpt-worker-0", training_job="gpt")]


@pytest.mark.parametrize(
    ("device_owners", "shared", "pod"),
    [
        pytest.param({}, False, None, id="a GPU without an owner"),
        pytest.param({"GPU-a": {POD}}, False, POD, id="a GPU by its UUID"),
        pytest.param({"nvidia0": {POD}}, False, POD, id="a GPU by another device id"),
        pytest.param({"GPU-a": {POD}, "MIG-a": {POD}}, False, POD, id="a GPU and its instance of one pod"),
        pytest.param({"GPU-a": {POD, ("team", "x")}}, True, None, id="a GPU that two pods share"),
        pytest.param({"GPU-a": {POD}, "MIG-a": {("team", "x")}}, True, None, id="instances of two pods"),
        pytest.param({"GPU-b": {POD}}, False, None, id="another GPU's owner"),
    ],
)
def test_a_gpu_is_attributed_to_its_only_owner(
    device_owners: dict[str, set[tuple[str, str]]], shared: bool, pod: tuple[str, str] | None
) -> None:
    job = "gpt" if pod else ""
    assert list(attribute_gpus([GPU], device_owners, PODS)) == [
        GpuAttribution(gpu="0", shared=shared, pod=pod, training_job=job)
    ]


def test_a_pod_that_is_not_listed_yet_has_no_job() -> None:
    (attribution,) = attribute_gpus([GPU], {"GPU-a": {POD}}, [])
    assert (attribution.pod, attribution.training_job) == (POD, "")


def test_only_an_attributed_gpu_has_an_assignment() -> None:
    assigned = GpuAttribution(gpu="0", shared=False, pod=POD, training_job="gpt")
    shared = GpuAttribution(gpu="1", shared=True, pod=None, training_job="")
    assert list(attribution_samples([assigned, shared], "n1")) == [
        Sample(metrics.GPU_SHARED, ("n1", "0"), 0.0),
        Sample(metrics.GPU_ASSIGNED, ("n1", "0", *POD, "gpt"), 1.0),
        Sample(metrics.GPU_SHARED, ("n1", "1"), 1.0),
    ]
