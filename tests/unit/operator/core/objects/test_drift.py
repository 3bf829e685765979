"""Manual edits are noticed; defaults and other notations of a quantity are no edits."""

from typing import Any

import pytest

from llmtrain_operator.core.objects.drift import can_apply, changed_objects, contains, enforced_fields, needs_apply

POD = {
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"a": "b"}, "ownerReferences": []},
    "spec": {"containers": [{"image": "i", "args": ["x"]}], "terminationGracePeriodSeconds": 5},
}
SERVICE = {"kind": "Service", "metadata": {"name": "s", "labels": {"a": "b"}}}


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="defaults of the API server are no drift"),
        pytest.param({"a": 2}, {"a": 1}, False, id="a changed value is drift"),
        pytest.param({}, {"a": 1}, False, id="a missing field is drift"),
        pytest.param([{"name": "x", "more": 1}], [{"name": "x"}], True, id="lists are compared item by item"),
        pytest.param([1, 2], [1], False, id="a longer list is drift"),
        pytest.param({"cpu": "1"}, {"cpu": "1000m"}, True, id="a quantity can be written differently"),
        pytest.param({"cpu": "2"}, {"cpu": "1"}, False, id="another quantity is drift"),
        pytest.param({}, {"nodeSelector": {}}, True, id="an empty field asks for nothing"),
    ],
)
def test_a_live_object_contains_what_is_desired(live: Any, desired: Any, expected: bool) -> None:
    assert contains(live, desired) is expected


def test_of_a_pod_only_labels_owner_and_image_are_enforced() -> None:
    assert enforced_fields(POD)["spec"] == {"containers": [{"image": "i"}]}
    other = {**POD, "spec": {"containers": [{"image": "i", "args": ["y"]}]}}
    assert not needs_apply(POD, other)
    assert needs_apply(POD, {**other, "metadata": {"labels": {"a": "c"}}})


def test_an_object_is_applied_once_the_one_before_no_longer_exists() -> None:
    assert can_apply(POD, None)
    assert can_apply(POD, {**POD, "status": {"phase": "Running"}})
    assert not can_apply(POD, {**POD, "status": {"phase": "Failed"}})
    assert not can_apply(POD, {**POD, "metadata": {"name": "p", "deletionTimestamp": "x"}})


def test_missing_and_edited_objects_are_applied_in_order() -> None:
    edited = {**SERVICE, "metadata": {"name": "s", "labels": {"a": "c"}}}
    assert changed_objects([SERVICE, POD], {("Service", "s"): edited}) == (SERVICE, POD)
    assert changed_objects([SERVICE, POD], {("Service", "s"): SERVICE, ("Pod", "p"): POD}) == ()
