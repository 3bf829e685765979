"""Each message to the coordinator has a defined answer and a defined effect on the group."""

import pytest

from llmtrain_coordinator import transitions
from llmtrain_coordinator.group import GroupState
from unit.coordinator.messages import (
    GENERATION_1,
    GENERATION_2,
    answer_of,
    disconnect,
    expire,
    group_after,
    heartbeat,
    join,
    leave,
    progress,
    scale,
    transitions_of,
)

CASES = [
    pytest.param(2, [join("a0"), join("a0")], "1 of 2", id="joining twice counts once"),
    pytest.param(2, [*GENERATION_1, join("a0")], (1, "a0 a1"), id="a lost answer is repeated"),
    pytest.param(2, [*GENERATION_1, heartbeat("a0", 1)], 1, id="a heartbeat is answered with the running generation"),
    pytest.param(2, [*GENERATION_1, leave("a1", "Failed")], "2 broken", id="a failed member breaks the generation"),
    pytest.param(2, [*GENERATION_1, leave("a1", "Stopped")], 2, id="a stopped member ends the generation unbroken"),
    pytest.param(
        2, [*GENERATION_1, expire("a1"), heartbeat("a0", 1)], "2 broken", id="an expired lease breaks the generation"
    ),
    pytest.param(
        2,
        [*GENERATION_1, disconnect("a1"), heartbeat("a0", 1)],
        "2 broken",
        id="a closed connection breaks the generation",
    ),
    pytest.param(
        2, [*GENERATION_1, join("b1"), join("a1", 1)], "rejected", id="a replaced process cannot take its place back"
    ),
    pytest.param(
        2,
        [*GENERATION_1, expire("a1"), join("a1", 1), join("a0", 1)],
        (2, "a0 a1"),
        id="a process whose lease expired can join again",
    ),
    pytest.param(
        2, [join("a0"), expire("a0"), join("a1")], "1 of 2", id="the rendezvous does not wait for an expired process"
    ),
    pytest.param(2, [join("a0"), join("a1", numerics="cuda")], "rejected", id="different numerics are rejected"),
    pytest.param(
        2,
        [join("a0", model="sha256:1"), join("a1", model="sha256:2")],
        "rejected",
        id="other files of the model are rejected",
    ),
    pytest.param(
        2,
        [join("a0", model="sha256:1"), join("a1", model="sha256:1")],
        (1, "a0 a1"),
        id="the same files of the model are accepted",
    ),
    pytest.param(
        1,
        [join("a0"), join("b0", numerics="cuda")],
        (2, "b0"),
        id="different numerics are accepted from the only rank's replacement",
    ),
    pytest.param(2, [*GENERATION_1, leave("x7", "Failed")], 1, id="an unknown process that leaves changes nothing"),
    pytest.param(2, [*GENERATION_1, heartbeat("x7", 1)], 1, id="an unknown process' heartbeat changes nothing"),
    pytest.param(
        2, [*GENERATION_1, *GENERATION_2, heartbeat("a0", 1)], 2, id="a heartbeat of an old generation changes nothing"
    ),
    pytest.param(2, [*GENERATION_1, scale(3)], 1, id="scaling up changes nothing before the new worker joins"),
    pytest.param(
        2,
        [*GENERATION_1, scale(3), join("a2"), *GENERATION_2],
        (2, "a0 a1 a2"),
        id="scaling up adds the new worker to the next generation",
    ),
    pytest.param(2, [*GENERATION_1, scale(1)], 1, id="scaling down changes nothing before the surplus worker leaves"),
    pytest.param(
        2,
        [*GENERATION_1, scale(1), leave("a1", "Stopped"), join("a0", 1)],
        (2, "a0"),
        id="scaling down continues without the surplus worker",
    ),
    pytest.param(
        2, [*GENERATION_1, scale(1), join("a0", 1), join("a1", 1)], "rejected", id="a surplus worker is rejected"
    ),
    pytest.param(
        2,
        [*GENERATION_1, scale(1), join("a0", 1), join("a1", 1), heartbeat("a0", 2)],
        2,
        id="the rendezvous does not wait for a surplus worker",
    ),
    pytest.param(3, [*GENERATION_1, scale(2), heartbeat("a0", 1)], 1, id="scaling down can complete the rendezvous"),
    pytest.param(2, [*GENERATION_1, scale(2)], 1, id="the same number of workers changes nothing"),
]


@pytest.mark.parametrize(("workers", "messages", "answer"), CASES)
def test_the_last_message_is_answered(workers: int, messages: list[object], answer: object) -> None:
    assert answer_of(transitions_of(workers, *messages)[-1]) == answer


LOST_MEMBERS = [
    pytest.param(GENERATION_1, 0, id="none at first"),
    pytest.param((*GENERATION_1, leave("a1", "Failed")), 1, id="a failed member"),
    pytest.param((*GENERATION_1, leave("a1", "Stopped")), 0, id="not a stopped member"),
    pytest.param((*GENERATION_1, leave("a1", "Failed"), join("b1")), 1, id="a failed and replaced member, once"),
    pytest.param((*GENERATION_1, join("b1")), 1, id="a member that is replaced before its failure is detected"),
    pytest.param((*GENERATION_1, join("a0", 1), join("b1")), 1, id="a member that fails while its peers rejoin"),
    pytest.param((*GENERATION_1, expire("a1")), 1, id="a member whose lease expired"),
    pytest.param((*GENERATION_1, *GENERATION_2), 0, id="not members that join again"),
    pytest.param((*GENERATION_1, scale(1)), 0, id="not a worker that is scaled away"),
]


@pytest.mark.parametrize(("messages", "lost"), LOST_MEMBERS)
def test_members_lost_to_failures_are_counted(messages: tuple[object, ...], lost: int) -> None:
    assert group_after(2, *messages).lost_members == lost


def test_the_first_loss_stays_in_the_status() -> None:
    messages = (*GENERATION_1, 5, progress(1, 1, loss=9.0), 5, progress(1, 2, loss=8.0))
    status = group_after(2, *messages).status()
    assert (status.first_loss, status.first_step_time) == (9.0, "at 5 s")
    assert status.progress == progress(1, 2, loss=8.0)


def test_progress_can_go_back() -> None:
    status = group_after(2, *GENERATION_1, progress(1, 9), *GENERATION_2, progress(2, 4)).status()
    assert status.progress == progress(2, 4)


def test_progress_of_an_old_generation_is_ignored() -> None:
    status = group_after(2, *GENERATION_1, *GENERATION_2, progress(2, 4), progress(1, 9)).status()
    assert status.progress == progress(2, 4)


def test_the_last_progress_of_an_ended_generation_counts() -> None:
    status = group_after(2, *GENERATION_1, leave("a1", "Failed"), progress(1, 9)).status()
    assert status.progress == progress(1, 9)


def test_an_evaluation_and_a_checkpoint_that_a_new_rank_0_does_not_know_are_kept() -> None:
    unaware = progress(2, 10).model_copy(update={"checkpoint": None, "held_out_loss": None, "held_out_step": None})
    before = progress(1, 9).model_copy(update={"held_out_step": 8})
    kept = group_after(2, *GENERATION_1, before, *GENERATION_2, unaware).progress
    assert kept is not None
    assert (kept.step, kept.checkpoint, kept.held_out_loss, kept.held_out_step) == (10, before.checkpoint, 2.5, 8)


def test_a_worker_with_other_files_of_the_model_is_named_with_both() -> None:
    group = transitions.join(GroupState(workers=2, ranks_per_worker=1), join("a0", model="sha256:1")).group
    answer = transitions.join(group, join("a1", model="sha256:2")).answer
    assert isinstance(answer, transitions.Rejection)
    assert (
        "has other files in spec.model.from, spec.model.vectors or spec.training.augment.synonyms than"
        in answer.message
    )
    assert "sha256:2, not sha256:1" in answer.message
