"""Which changes of namespaces and quotas are a reason to make a refused request again."""

from typing import Any

import pytest

from llmtrain_operator.shell.namespace_index import NamespaceIndex, Quota, trim_quota


def namespace(uid: str = "u", labels: Any = None, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "ns", "uid": uid, "labels": labels, **metadata}}


def quota(hard: Any, used: Any = None) -> dict[str, Any]:
    return {
        "metadata": {"name": "q", "namespace": "ns", "uid": "q", "annotations": {"a": "b" * 999}},
        "spec": {"hard": hard},
        "status": {"hard": hard, "used": used if used is not None else {}},
    }


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param(namespace(resourceVersion="9", annotations={"a": "b"}), False, id="an annotation"),
        pytest.param(namespace(labels={"pod-security.kubernetes.io/enforce": "baseline"}), True, id="another level"),
        pytest.param(namespace(uid="v"), True, id="another namespace of the name"),
        pytest.param(namespace(deletionTimestamp="2026-11-23T12:00:00Z"), True, id="it is being deleted"),
        pytest.param({"metadata": {"name": "ns", "uid": "u", "labels": 7}}, False, id="labels that cannot be read"),
    ],
)
def test_changes_of_a_namespace(changed: dict[str, Any], expected: bool) -> None:
    index = NamespaceIndex()
    absent = index.facts("ns")
    assert index.put(namespace()), "it is new"
    so_far = index.facts("ns")
    assert so_far != absent
    assert index.put(changed) is expected
    assert (index.facts("ns") != so_far) is expected
    assert index.remove("ns")
    assert index.facts("ns") == absent
    assert not index.remove("ns")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(quota({"pods": "2"}, {"pods": "2"}), quota({"pods": "3"}, {"pods": "2"}), True, id="it grows"),
        pytest.param(quota({"pods": "2"}, {"pods": "2"}), quota({"pods": "2"}, {"pods": "1"}), True, id="a pod ends"),
        pytest.param(
            quota({"pods": "2"}, {"pods": "1"}), quota({"pods": "2"}, {"pods": "2"}), False, id="it is charged"
        ),
        pytest.param(quota({"pods": "3"}, {"pods": "1"}), quota({"pods": "2"}, {"pods": "1"}), False, id="it shrinks"),
        pytest.param(
            quota({"cpu": "1", "pods": "1"}, {"cpu": "1", "pods": "1"}),
            quota({"cpu": "1500m", "pods": "1"}, {"cpu": "1", "pods": "1"}),
            True,
            id="one of two resources grows",
        ),
        pytest.param(
            quota({"cpu": "1"}, {"cpu": "1"}), quota({"pods": "1"}), True, id="a resource is no longer limited"
        ),
        pytest.param(quota({"cpu": "1"}), quota({"cpu": "1", "pods": "0"}), False, id="another one is limited"),
        pytest.param({**quota({"pods": "2"}), "status": {}}, quota({"pods": "2"}), True, id="it was not known yet"),
        pytest.param(quota({"cpu": "1000m"}), quota({"cpu": "1"}), False, id="the same amount in other words"),
        pytest.param(quota({"cpu": "nonsense"}), quota({"cpu": 7}), False, id="what cannot be read"),
        pytest.param(quota({"cpu": "2"}, {"cpu": None}), quota(7, "x"), False, id="nor that"),
    ],
)
def test_changes_of_a_quota(before: dict[str, Any], after: dict[str, Any], expected: bool) -> None:
    index = NamespaceIndex()
    assert not index.put_quota("q", Quota.of(trim_quota(before)))
    so_far = index.facts("ns")
    assert index.put_quota("q", Quota.of(trim_quota(after))) is expected
    assert (index.facts("ns") != so_far) is expected


def test_a_quota_that_is_deleted_leaves_room() -> None:
    index = NamespaceIndex()
    index.put_quota("q", Quota.of(quota({"pods": "0"})))
    assert index.put_quota("q", None)
    assert not index.put_quota("q", None)
    assert index.quotas == {}


def test_of_a_quota_only_amounts_are_kept() -> None:
    assert trim_quota(quota({"pods": "2"})) == {
        "metadata": {"name": "q", "namespace": "ns", "uid": "q", "resourceVersion": ""},
        "status": {"hard": {"pods": "2"}, "used": {}},
    }
