"""Generations begin with every live rank, end with the first change of membership, and outlive their coordinator."""

import pytest

from llmtrain_api.events import CoordinatorEvent
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

BEGIN = [
    pytest.param(2, [join("a0")], "1 of 2", id="the first rank waits"),
    pytest.param(2, GENERATION_1, (1, "a0 a1"), id="the last rank to join begins the generation"),
    pytest.param(2, [join("a1"), join("a0")], (1, "a0 a1"), id="ranks are in the order of the workers"),
    pytest.param(2, [*GENERATION_1, join("a0", 1)], "1 of 2", id="a member that rejoins waits for its peers"),
    pytest.param(
        2, [*GENERATION_1, join("a0", 1), heartbeat("a1", 1)], "2 broken", id="its peers are asked to rejoin at once"
    ),
    pytest.param(2, [*GENERATION_1, *GENERATION_2], (2, "a0 a1"), id="when all have rejoined, the next one begins"),
    pytest.param(
        2,
        [*GENERATION_1, leave("a1", "Failed"), join("a0", 1)],
        (2, "a0"),
        id="the survivor of a failed member continues alone",
    ),
    pytest.param(
        2,
        [*GENERATION_1, join("a0", 1), disconnect("a1"), heartbeat("a0", 2)],
        2,
        id="also if it rejoins before the failure is detected",
    ),
    pytest.param(
        2,
        [scale(2, 2), *GENERATION_1, leave("a1", "Failed"), join("a0", 1)],
        "1 of 2",
        id="below the minimum the survivor waits",
    ),
    pytest.param(
        2,
        [scale(2, 2), *GENERATION_1, leave("a1", "Failed"), join("a0", 1), join("b1")],
        (2, "a0 b1"),
        id="until a replacement joins",
    ),
    pytest.param(
        3,
        [*GENERATION_1, join("a2"), disconnect("a1"), join("a2", 1), join("a0", 1)],
        (2, "a0 a2"),
        id="two of three ranks continue",
    ),
    pytest.param(2, [*GENERATION_1, join("b1")], "1 of 2", id="a replacement waits for the survivors"),
    pytest.param(
        2,
        [*GENERATION_1, join("b1"), join("a0", 1)],
        (2, "a0 b1"),
        id="a survivor completes the replacement's rendezvous",
    ),
    pytest.param(2, [join("a0", 7), join("a1", 6)], (8, "a0 a1"), id="numbers continue from the newest generation"),
]
END = [
    pytest.param(
        2,
        [*GENERATION_1, scale(3), join("a2")],
        "1 of 3",
        id="a newcomer waits until the others have finished their step",
    ),
    pytest.param(
        2, [*GENERATION_1, scale(3), join("a2"), heartbeat("a0", 1)], 2, id="a newcomer ends the generation unbroken"
    ),
    pytest.param(
        2,
        [*GENERATION_1, scale(3), join("a2"), *GENERATION_2],
        (2, "a0 a1 a2"),
        id="a newcomer is a member of the next generation",
    ),
    pytest.param(
        2,
        [*GENERATION_1, scale(3), join("a2"), disconnect("a1"), heartbeat("a0", 1)],
        "2 broken",
        id="a member that fails in its last step breaks the generation",
    ),
    pytest.param(
        2,
        [*GENERATION_1, scale(3), join("a2"), disconnect("a2"), *GENERATION_2],
        (2, "a0 a1"),
        id="the rendezvous does not wait for a newcomer that disconnects",
    ),
    pytest.param(
        2, [*GENERATION_1, join("b1"), heartbeat("a0", 1)], "2 broken", id="a replaced member breaks the generation"
    ),
    pytest.param(
        2,
        [*GENERATION_1, leave("a0", "Finished"), heartbeat("a1", 1)],
        1,
        id="a finished member does not end the generation",
    ),
    pytest.param(
        2,
        [*GENERATION_1, leave("a0", "Finished"), leave("a1", "Failed"), join("b1")],
        (2, "b1"),
        id="the replacement of the last unfinished member waits for none",
    ),
    pytest.param(
        2,
        [*GENERATION_1, leave("a0", "Finished"), leave("a1", "Finished"), join("b0")],
        (2, "b0"),
        id="a finished rank that restarts is a member again",
    ),
]
LAST_CALL = [
    pytest.param(
        3,
        [*GENERATION_1, expire(), 29, expire(), heartbeat("a0", 0)],
        1,
        id="during the last call the first generation waits for every rank",
    ),
    pytest.param(
        3,
        [*GENERATION_1, expire(), 30, expire(), join("a0")],
        (1, "a0 a1"),
        id="after the last call it begins with enough",
    ),
    pytest.param(
        3, [scale(3, 3), *GENERATION_1, expire(), 99, expire(), join("a0")], "2 of 3", id="but not below the minimum"
    ),
    pytest.param(
        2, [join("a0", 7), expire(), 1.9, expire()], 8, id="the last call of a replacement coordinator is one lease"
    ),
    pytest.param(
        2,
        [join("a0", 7), expire(), 2, expire(), join("a0")],
        (8, "a0"),
        id="then it begins with the ranks that have joined",
    ),
]
ADOPTION = [
    pytest.param(2, [heartbeat("a0", 3)], 3, id="a running generation is adopted from a heartbeat"),
    pytest.param(2, [progress(3, 5)], 3, id="or from a progress report"),
    pytest.param(
        2, [heartbeat("x0", 2), heartbeat("a0", 3), heartbeat("x0", 2)], 3, id="the newest of several is adopted"
    ),
    pytest.param(
        2,
        [heartbeat("a0", 3), heartbeat("a1", 3), 60, expire(), heartbeat("a0", 3)],
        3,
        id="it runs until a process wants another",
    ),
    pytest.param(
        2, [heartbeat("a0", 3, ranks=1), join("b1"), heartbeat("a0", 3)], 4, id="it ends when a new process joins"
    ),
    pytest.param(
        2,
        [heartbeat("a0", 3), heartbeat("a1", 3), join("b1"), heartbeat("a0", 3)],
        "4 broken",
        id="it is broken when a member is replaced",
    ),
    pytest.param(
        2, [heartbeat("a0", 3), join("b1"), join("a0", 3)], (4, "a0 b1"), id="its survivors form the next generation"
    ),
    pytest.param(
        2,
        [heartbeat("a0", 3), heartbeat("a1", 3), leave("a1", "Failed")],
        "4 broken",
        id="it is broken when a member fails",
    ),
    pytest.param(2, [heartbeat("a0", 3), expire("a0")], "4 broken", id="it is broken when a lease expires"),
    pytest.param(2, [heartbeat("a0", 3), 1.9, expire()], 3, id="its members have one lease to send a heartbeat"),
    pytest.param(2, [heartbeat("a0", 3), 2, expire()], "4 broken", id="it is broken if one has not"),
    pytest.param(2, [heartbeat("a0", 3), 1.9, heartbeat("a0", 3), 0.1, expire()], "4 broken", id="and no step is done"),
    pytest.param(
        2, [heartbeat("a0", 3), 1.9, heartbeat("a0", 3, step=2), 1.9, expire()], 3, id="a step shows that all are alive"
    ),
    pytest.param(
        2, [heartbeat("a0", 3), 1.9, heartbeat("a0", 3, step=2), 2, expire()], "4 broken", id="for as long as a lease"
    ),
    pytest.param(2, [heartbeat("a0", 3, compute_seconds=5), 9.9, expire()], 3, id="or as the next step can take"),
    pytest.param(2, [heartbeat("a0", 3, compute_seconds=5), 10, expire()], "4 broken", id="and no longer"),
    pytest.param(
        2, [heartbeat("a0", 3, ranks=1), 9, expire()], 3, id="it can have fewer ranks than the desired number"
    ),
    pytest.param(2, [join("a1", 3), heartbeat("a0", 3)], 4, id="it is not adopted when another process waits"),
    pytest.param(2, [*GENERATION_1, heartbeat("x0", 9)], 1, id="it cannot end a generation of this coordinator"),
]


@pytest.mark.parametrize(("workers", "messages", "answer"), [*BEGIN, *END, *LAST_CALL, *ADOPTION])
def test_a_generation_follows_from_the_messages(workers: int, messages: list[object], answer: object) -> None:
    assert answer_of(transitions_of(workers, *messages)[-1]) == answer


def test_the_log_has_the_reason_of_each_end() -> None:
    transition = transitions_of(2, *GENERATION_1, leave("a1", "Failed"))[-1]
    assert [entry.event for entry in transition.entries] == [
        CoordinatorEvent.MEMBER_LEFT,
        CoordinatorEvent.GENERATION_ENDED,
    ]
    assert transition.entries[1].fields["reason"] == "worker 1 rank 0 failed"


def test_a_new_coordinator_learns_the_members_from_their_heartbeats() -> None:
    status = group_after(2, heartbeat("a1", 3), heartbeat("a0", 3)).status()
    assert [member.incarnation for member in status.members] == ["a0", "a1"]
