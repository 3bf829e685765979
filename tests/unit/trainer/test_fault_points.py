"""Fault points cost nothing until a test arms them, and every point is both declared and passed."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import llmtrain_trainer
from llmtrain_trainer.fault_points import FAULT_POINTS, arm, disarm_all, fault_point
from support import faults

SOURCE = Path(llmtrain_trainer.__file__).parent


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    disarm_all()


def test_a_point_does_nothing_until_it_is_armed() -> None:
    fault_point("snapshot")


def test_an_armed_point_runs_its_action_with_the_step_that_it_passes() -> None:
    steps: list[int | None] = []
    arm("train_step", steps.append)
    fault_point("train_step", 7)
    fault_point("snapshot")
    assert steps == [7]


def test_an_unknown_point_cannot_be_armed() -> None:
    with pytest.raises(ValueError, match="unknown fault point 'snapshoot'; known points: all_gather, "):
        arm("snapshoot", lambda step: None)


def test_every_declared_point_is_passed_in_one_place_of_the_source() -> None:
    """Each kind of samples has an evaluation of its own, and snapshots are taken in two places."""
    text = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    passed = Counter(re.findall(r'\bfault_point\("(\w+)"', text))
    assert set(passed) == set(FAULT_POINTS)
    assert {name for name, times in passed.items() if times > 1} == {"evaluation", "snapshot"}


def test_the_chaos_tests_inject_faults_at_every_point() -> None:
    assert set(faults.ALL_POINTS) == FAULT_POINTS - {"train_step"}


def test_a_fault_at_an_unknown_point_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown fault point 'sync_everything'"):
        faults.fault("sync_everything", "SIGKILL", marker=tmp_path / "struck")
