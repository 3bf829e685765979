"""Kubernetes objects as plain dicts."""

import pytest

from llmtrain_operator.core.manifest import generation_of, is_deleting, object_key

POD = {"kind": "Pod", "metadata": {"name": "p"}}


def test_an_object_is_known_by_kind_and_name() -> None:
    assert object_key(POD) == ("Pod", "p")


def test_an_object_with_a_deletion_timestamp_is_being_deleted() -> None:
    assert not is_deleting(POD)
    assert is_deleting({**POD, "metadata": {"name": "p", "deletionTimestamp": "2026-11-23T12:00:00Z"}})


@pytest.mark.parametrize(
    ("generation", "expected"),
    [(4, 4), (0, 0), (-1, 0), (2**63, 0), (10**400, 0), (True, 0), ("4", 0), (4.0, 0), (None, 0)],
)
def test_a_generation_is_one_that_a_status_can_hold(generation: object, expected: int) -> None:
    assert generation_of({"metadata": {"generation": generation}}) == expected
