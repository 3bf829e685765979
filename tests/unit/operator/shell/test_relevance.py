"""What of an object decisions can see."""

from typing import Any

import pytest

from llmtrain_api.names import JOB_KIND, JOB_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.node_view import gpus_of
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.shell.relevance import compute_pools, content, is_finished, is_waiting, owner_of, seen, trim_pod


def pod(gpus: str = "", **metadata: Any) -> Manifest:
    requests = {"nvidia.com/gpu": gpus} if gpus else {}
    return {
        "metadata": {"namespace": "ns", "name": "p", "uid": "u", "resourceVersion": "1", **metadata},
        "spec": {"nodeName": "n", "containers": [{"image": "big", "resources": {"requests": requests}}]},
        "status": {"phase": "Running"},
    }


def test_pods_without_gpus_are_not_kept_and_of_others_what_they_hold() -> None:
    assert trim_pod(pod()) is None
    trimmed = trim_pod(pod("1k"))
    assert trimmed is not None
    assert "image" not in trimmed["spec"]["containers"][0]
    assert gpus_of(trimmed) == 1000


RUNNING = {
    "phase": "Running",
    "podIP": "10.0.0.1",
    "hostIP": "10.0.0.2",
    "conditions": [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Initialized", "Ready")],
    "containerStatuses": [
        {
            "name": "worker",
            "ready": True,
            "restartCount": 0,
            "image": "i",
            "imageID": "id",
            "state": {"running": {"startedAt": "2026-11-23T12:00:00Z"}},
        }
    ],
}


@pytest.mark.parametrize(
    "metadata", [{"labels": {JOB_LABEL: "j"}}, {"ownerReferences": [{"kind": JOB_KIND, "name": "j", "uid": "u"}]}]
)
def test_a_pod_of_a_job_looks_the_same_without_what_is_not_read(metadata: dict[str, Any]) -> None:
    own = {**pod("2", **metadata), "status": RUNNING}
    own["spec"]["containers"][0] |= {"name": "worker", "env": [{"name": "A", "value": "b"}], "command": ["c"]}
    own["spec"] |= {"tolerations": [{"key": "k"}], "restartPolicy": "Never", "volumes": [{"name": "v"}]}
    trimmed = trim_pod(own)
    assert trimmed is not None
    assert PodView.of(trimmed) == PodView.of(own)
    assert seen(PodView.of(trimmed)) == seen(PodView.of(own))
    assert gpus_of(trimmed) == gpus_of(own) == 2
    assert trimmed["metadata"] == own["metadata"]
    assert trimmed["spec"].keys() == {"nodeName", "restartPolicy", "volumes", "containers"}
    assert trimmed["spec"]["containers"][0].keys() == {"name", "image", "resources"}
    assert [condition["type"] for condition in trimmed["status"]["conditions"]] == ["PodScheduled", "Ready"]
    assert "hostIP" not in trimmed["status"]
    assert "imageID" not in trimmed["status"]["containerStatuses"][0]
    assert trim_pod(trimmed) == trimmed


def test_a_job_waits_until_it_starts_and_is_finished_when_it_has_ended() -> None:
    assert is_waiting({})
    assert not is_waiting({"status": {"stage": "Training"}})
    assert is_finished({"status": {"conditions": [{"type": "Failed", "status": "True"}]}})
    assert not is_finished({"status": {"conditions": [{"type": "Failed", "status": "False"}]}})


def test_the_version_of_an_object_is_not_its_content() -> None:
    first, second = pod(resourceVersion="1"), pod(resourceVersion="2", annotations={"a": "b"})
    assert content(first) == content(second)
    assert content(first) != content(pod(labels={"a": "b"}))


def test_pools_that_cannot_be_read_are_left_out() -> None:
    spec = {"computePools": [{"name": "good"}, {"name": 1}, None, "x", {"name": "p", "nodes": "many"}]}
    assert [pool.name for pool in compute_pools({"spec": spec})] == ["good"]


@pytest.mark.parametrize("labels", [None, [], "x", {JOB_LABEL: None}, {JOB_LABEL: 3}])
def test_an_object_without_a_label_that_names_a_job_has_no_job(labels: Any) -> None:
    assert owner_of({"metadata": {"namespace": "ns", "labels": labels}}) is None


def test_a_changed_label_or_owner_hides_no_object_from_the_job_that_controls_it() -> None:
    controller = {"kind": JOB_KIND, "name": "j", "uid": "u", "controller": True}
    other = {"kind": JOB_KIND, "name": "x", "uid": "v"}
    assert owner_of(pod(labels={JOB_LABEL: "x"}, ownerReferences=[other, controller])) == ("ns", "j")
    assert owner_of(pod(labels={JOB_LABEL: "j"}, ownerReferences=[other])) == ("ns", "j")
