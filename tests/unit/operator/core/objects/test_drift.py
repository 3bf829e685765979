"""Manual edits are noticed; defaults and other notations of a quantity are no edits."""

from typing import Any

import pytest

from llmtrain_api.names import JOB_LABEL
from llmtrain_operator.core.objects.drift import can_apply, changed_objects, contains

POD = {
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"a": "b"}, "ownerReferences": []},
}
SERVICE = {"kind": "Service", "metadata": {"name": "s", "labels": {"a": "b"}}, "spec": {}}


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="defaults of the API server are no drift"),
        pytest.param({"a": 2}, {"a": 1}, False, id="a changed value is drift"),
        pytest.param({}, {"a": 1}, False, id="a missing field is drift"),
        pytest.param([{"name": "x", "more": 1}], [{"name": "x"}], True, id="lists are compared item by item"),
        pytest.param([{"name": ["x"]}, None], [{"name": "x"}], False, id="items can have anything as their names"),
        pytest.param([1, 2], [1], False, id="a longer list is drift"),
        pytest.param({"cpu": "1"}, {"cpu": "1000m"}, True, id="a quantity can be written differently"),
        pytest.param({"cpu": "2"}, {"cpu": "1"}, False, id="another quantity is drift"),
        pytest.param({}, {"nodeSelector": {}}, True, id="an empty field asks for nothing"),
    ],
)
def test_a_live_object_contains_what_is_desired(live: Any, desired: Any, expected: bool) -> None:
    assert contains(live, desired) is expected


OWNER = {"apiVersion": "llmtrain.dev/v1alpha1", "kind": "LLMTrainingJob", "name": "j", "uid": "u", "controller": True}
BACKUP = {"apiVersion": "v1", "kind": "Backup", "name": "b", "uid": "b"}
DESIRED_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "ns", "labels": {JOB_LABEL: "j", "team": "a"}, "ownerReferences": [OWNER]},
    "spec": {"containers": [{"name": "worker", "image": "registry/trainer:1", "env": []}]},
}


def live_pod(**metadata: Any) -> Any:
    found = {"labels": {JOB_LABEL: "j"}, "ownerReferences": [OWNER], "uid": "live", **metadata}
    return {**DESIRED_POD, "metadata": {**DESIRED_POD["metadata"], **found}}


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(
            {**live_pod(), "spec": {"containers": [{"name": "istio-proxy"}, {"name": "worker"}]}}, id="sidecar"
        ),
        pytest.param({**live_pod(), "spec": {"initContainers": [{"name": "init"}]}}, id="init container"),
        pytest.param({**live_pod(), "spec": {"containers": [{"image": "mirror/trainer@sha256:0"}]}}, id="pinned image"),
        pytest.param(live_pod(ownerReferences=[BACKUP, OWNER]), id="second owner"),
        pytest.param(live_pod(labels={JOB_LABEL: "j", "security.istio.io/tlsMode": "istio"}), id="more labels"),
        pytest.param(live_pod(labels={JOB_LABEL: "j", "team": "b"}), id="labels of the job before a change"),
        pytest.param(live_pod(annotations={"x": "y"}), id="annotations"),
        pytest.param(live_pod(finalizers=["x/y"]), id="finalizers"),
    ],
)
def test_what_admission_and_other_controllers_add_to_a_pod_is_no_drift(live: Any) -> None:
    assert changed_objects([DESIRED_POD], {("Pod", "p"): live}) == ()


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(live_pod(labels={JOB_LABEL: "k"}), id="a changed label"),
        pytest.param(live_pod(labels=None), id="no labels"),
        pytest.param(live_pod(ownerReferences=[BACKUP]), id="another owner only"),
        pytest.param(live_pod(ownerReferences=[{**OWNER, "controller": None}]), id="an owner that controls nothing"),
    ],
)
def test_of_a_pod_only_the_operators_labels_and_the_owner_are_repaired(live: Any) -> None:
    (repaired,) = changed_objects([DESIRED_POD], {("Pod", "p"): live})
    metadata = {"name": "p", "namespace": "ns", "uid": "live", "labels": {JOB_LABEL: "j"}, "ownerReferences": [OWNER]}
    assert repaired == {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


@pytest.mark.parametrize("cluster_ip", ["None", "10.96.0.7"])
def test_a_service_keeps_its_cluster_ip_and_nothing_else(cluster_ip: str) -> None:
    desired = {**SERVICE, "spec": {"clusterIP": "None", "ports": [{"port": 8470}]}}
    live = {**SERVICE, "spec": {"clusterIP": cluster_ip, "ports": [{"port": 8470}]}}
    assert changed_objects([desired], {("Service", "s"): live}) == ()
    edited = {**live, "spec": {**live["spec"], "ports": [{"port": 80}]}}
    (repaired,) = changed_objects([desired], {("Service", "s"): edited})
    assert repaired["spec"] == {"ports": [{"port": 8470}]}
    assert changed_objects([desired], {}) == (desired,)


def test_what_was_undone_repairs_is_left_as_it_is_until_something_else_is_desired() -> None:
    live = {("Pod", "p"): live_pod(labels={JOB_LABEL: "k"})}
    (repaired,) = changed_objects([DESIRED_POD], live)
    undone = {("Pod", "p"): repaired}
    assert changed_objects([DESIRED_POD], live, undone) == ()
    other = {**DESIRED_POD, "metadata": {**DESIRED_POD["metadata"], "labels": {JOB_LABEL: "l"}}}
    assert len(changed_objects([other], live, undone)) == 1
    assert changed_objects([DESIRED_POD], {}, undone) == (DESIRED_POD,), "an object that is gone is created"


def test_an_object_is_applied_once_the_one_before_no_longer_exists() -> None:
    assert can_apply(POD, {"metadata": None, "status": None})
    assert can_apply(POD, None)
    assert can_apply(POD, {**POD, "status": {"phase": "Running"}})
    assert not can_apply(POD, {**POD, "status": {"phase": "Failed"}})
    assert not can_apply(POD, {**POD, "metadata": {"name": "p", "deletionTimestamp": "x"}})


def test_missing_and_edited_objects_are_applied_in_order() -> None:
    edited = {**SERVICE, "metadata": {"name": "s", "labels": {"a": "c"}}}
    assert changed_objects([SERVICE, POD], {("Service", "s"): edited}) == (SERVICE, POD)
    assert changed_objects([SERVICE, POD], {("Service", "s"): SERVICE, ("Pod", "p"): POD}) == ()
