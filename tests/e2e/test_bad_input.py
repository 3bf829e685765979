"""Bad input is rejected at apply, or reported in a condition and an event with the remedy. No job waits silently."""

from typing import Any

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import Kube, condition

LATER: list[Any] = [
    # sentence, parts of the spec, condition, reason, words of its message
    pytest.param(
        {"cluster": "nowhere"},
        "Scheduled",
        "ClusterNotFound",
        ["spec.cluster", "nowhere", "default"],
        id="an LLMCluster that is missing",
    ),
    pytest.param(
        {"checkpoint": {"volume": "attic"}},
        "Scheduled",
        "VolumeNotFound",
        ["spec.checkpoint.volume", "attic", "checkpoints"],
        id="a volume that does not exist",
    ),
    pytest.param(
        {"workers": {"replicas": 4, "min": 4, "gpus": 8}, "training": {"steps": 1, "microbatches": 32}},
        "Scheduled",
        "InsufficientGPUs",
        ["32 GPUs", "have 16"],
        id="more GPUs than the cluster has",
        marks=pytest.mark.serial,
    ),
    pytest.param(
        {"image": "localhost/missing/image:v1"},
        "Scheduled",
        "ImagePullFailed",
        ["spec.image", "localhost/missing/image:v1"],
        id="an image that can't be pulled",
    ),
    pytest.param(
        {"data": {"source": {"volume": "datasets", "path": "no/such/folder"}}},
        "Failed",
        "BadInput",
        ["spec.data.source.path", "no/such/folder"],
        id="a path with no files",
    ),
    pytest.param(
        {"scheduling": {"priorityClassName": "royal"}},
        "Scheduled",
        "APIRejected",
        ["royal"],
        id="a priority class that does not exist",
    ),
]


@pytest.mark.parametrize(("spec", "type", "reason", "words"), LATER)
def test_is_named_with_what_to_do(
    kube: Kube, new_job: str, spec: dict[str, Any], type: str, reason: str, words: list[str]
) -> None:
    kube.apply(job(new_job, **{"steps": ENDLESS, **spec}))
    status = kube.wait(
        f"{type} has the reason {reason}",
        lambda: condition(s := kube.status(new_job), type).get("reason") == reason and s,
    )
    message = condition(status, type)["message"]
    assert [word for word in words if word not in message] == [], message
    assert "Traceback" not in message
    kube.wait("an event reports it too", lambda: [e for e in kube.events(new_job) if e["reason"] == reason])


def test_a_job_starts_when_what_was_missing_appears(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=2, cluster="late", replicas=1))
    kube.wait("it waits", lambda: condition(kube.status(new_job), "Scheduled").get("reason") == "ClusterNotFound")
    pools = [{"name": "datasets"}, {"name": "checkpoints", "purpose": "checkpoints"}]
    late = {
        "apiVersion": "llmtrain.dev/v1alpha1",
        "kind": "LLMCluster",
        "metadata": {"name": "late"},
        "spec": {"storagePools": pools},
    }
    kube.apply(late)
    try:
        kube.wait_for_stage(new_job, "Succeeded")
    finally:
        kube.run("delete", "llmc", "late")
