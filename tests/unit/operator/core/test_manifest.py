"""Kubernetes objects as plain dicts."""

from llmtrain_operator.core.manifest import is_deleting, object_key

POD = {"kind": "Pod", "metadata": {"name": "p"}}


def test_an_object_is_known_by_kind_and_name() -> None:
    assert object_key(POD) == ("Pod", "p")


def test_an_object_with_a_deletion_timestamp_is_being_deleted() -> None:
    assert not is_deleting(POD)
    assert is_deleting({**POD, "metadata": {"name": "p", "deletionTimestamp": "2026-11-23T12:00:00Z"}})
