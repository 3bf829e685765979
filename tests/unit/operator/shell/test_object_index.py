"""Objects are indexed by group and key, and never go back in time."""

from typing import Any

import pytest

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.object_index import ObjectIndex, Tombstones, is_newer, is_older


def obj(version: str, uid: str = "u", **metadata: Any) -> Manifest:
    return {"metadata": {"uid": uid, "resourceVersion": version, **metadata}}


def index() -> ObjectIndex[str, str]:
    return ObjectIndex(Tombstones())


@pytest.mark.parametrize(
    ("new", "known", "expected"),
    [
        pytest.param(obj("10"), obj("9"), True, id="a later version"),
        pytest.param(obj("9"), obj("10"), False, id="an earlier version"),
        pytest.param(obj("9"), obj("9"), True, id="the same version"),
        pytest.param(obj("abc"), obj("9"), True, id="a version that cannot be compared"),
        pytest.param(obj("9" * 50), obj("9"), True, id="a version that is no number of a server"),
        pytest.param(obj(""), obj(""), True, id="no version"),
        pytest.param(obj("1", "v"), obj("9"), True, id="a namesake"),
        pytest.param(obj("9"), None, True, id="the first version"),
        pytest.param(
            obj("1", "v", creationTimestamp="2026-01-01T00:00:00Z"),
            obj("9", creationTimestamp="2026-01-02T00:00:00Z"),
            False,
            id="an older namesake",
        ),
    ],
)
def test_a_version_is_newer(new: Manifest, known: Manifest | None, expected: bool) -> None:
    assert is_newer(new, known) is expected


def test_only_another_version_of_the_same_object_is_older() -> None:
    assert is_older(obj("8"), obj("9"))
    assert not is_older(obj("9"), obj("9"))
    assert not is_older(obj("8", "v"), obj("9"))
    assert not is_older(obj("8"), None)


def test_a_group_ends_with_its_last_object() -> None:
    objects = index()
    assert objects.put("g", "k", obj("1"))
    assert objects.find("u") == ("g", obj("1"))
    objects.remove("u")
    assert objects.groups == {}
    assert objects.find("u") is None


def test_an_object_that_changes_its_group_is_in_one_of_them() -> None:
    objects = index()
    objects.put("g", "k", obj("1"))
    assert objects.put("h", "k", obj("2"))
    assert list(objects.groups) == ["h"]


def test_a_successor_of_the_same_name_stays_when_its_predecessor_is_removed() -> None:
    objects = index()
    objects.put("g", "k", obj("1", "old"))
    assert objects.put("g", "k", obj("2", "new"))
    objects.remove("old")
    assert objects.groups == {"g": {"k": obj("2", "new")}}


def test_a_deletion_covers_what_was_before_it() -> None:
    tombstones = Tombstones()
    tombstones.add(obj("7"))
    assert tombstones.cover(obj("6"))
    assert tombstones.cover(obj("x"))
    assert not tombstones.cover(obj("8")), "it exists after all"
    assert not tombstones.cover(obj("6", "other"))


def test_the_oldest_tombstones_are_dropped() -> None:
    tombstones = Tombstones(limit=2)
    for uid in ("a", "b", "c"):
        tombstones.add(obj("1", uid))
    assert len(tombstones) == 2
    assert not tombstones.cover(obj("1", "a"))
