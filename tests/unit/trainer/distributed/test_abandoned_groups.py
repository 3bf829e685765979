"""An abandoned process group is kept until its collective has completed."""

import gc
import weakref
from types import SimpleNamespace

from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups


class AbandonedGroup:
    """Stands for a process group, whose destructor would block."""


def test_a_group_lives_until_its_collective_has_completed() -> None:
    groups, work = AbandonedGroups(), SimpleNamespace(completed=False)
    work.is_completed = lambda: work.completed
    group = AbandonedGroup()
    destroyed = weakref.ref(group)
    groups.add(group, work)
    del group
    groups.release_completed()
    gc.collect()
    assert destroyed() is not None
    work.completed = True
    groups.release_completed()
    gc.collect()
    assert destroyed() is None


def test_a_group_whose_collective_did_not_start_is_released_at_once() -> None:
    groups = AbandonedGroups()
    groups.add(AbandonedGroup(), None)
    groups.release_completed()
    assert len(groups) == 0
