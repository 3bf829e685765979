"""When a generation begins and ends, and what each process is answered."""

import pytest

from llmtrain_api.protocol import CurrentGeneration, JoinPending, Membership
from llmtrain_coordinator.transitions import Rejection, Transition
from unit.coordinator.messages import beating, follow, joining, leaving, progressing, vanishing, wanting

BOTH = (joining("a0"), joining("a1"))
"""Generation 1 of two workers."""
AGAIN = (joining("a0", 1), joining("a1", 1))


def told(turn: Transition) -> object:
    """Return the answer in few words."""
    match turn.answer:
        case Membership(generation=number, members=members):
            return number, " ".join(member.incarnation for member in members)
        case JoinPending(joined=joined, desired=wanted):
            return f"{joined} of {wanted}"
        case CurrentGeneration(generation=number, broken=broken):
            return f"{number} at once" if broken else number
        case Rejection():
            return "no"


CASES = [
    # sentence, wanted, what is said, the last answer
    ("the first one waits", 2, [joining("a0")], "1 of 2"),
    ("a generation begins when the last one joins", 2, BOTH, (1, "a0 a1")),
    ("ranks are in the order of the workers", 2, [joining("a1"), joining("a0")], (1, "a0 a1")),
    ("asking twice counts once", 2, [joining("a0"), joining("a0")], "1 of 2"),
    ("an answer that got lost is given again", 2, [*BOTH, joining("a0")], (1, "a0 a1")),
    ("a member hears its own generation while that holds", 2, [*BOTH, beating("a0", 1)], 1),
    ("a member that joins again waits for its peers", 2, [*BOTH, joining("a0", 1)], "1 of 2"),
    ("its peers hear that they shall join again at once", 2, [*BOTH, joining("a0", 1), beating("a1", 1)], "2 at once"),
    ("all joining again is the next generation", 2, [*BOTH, *AGAIN], (2, "a0 a1")),
    ("a failed member breaks the generation", 2, [*BOTH, leaving("a1", "Failed")], "2 at once"),
    ("a stopped member ends the generation", 2, [*BOTH, leaving("a1", "Stopped")], 2),
    ("a silent member breaks the generation", 2, [*BOTH, frozenset({"a1"}), beating("a0", 1)], "2 at once"),
    ("a vanished member breaks the generation", 2, [*BOTH, vanishing("a1"), beating("a0", 1)], "2 at once"),
    ("the survivor of a dead member goes on alone", 2, [*BOTH, leaving("a1", "Failed"), joining("a0", 1)], (2, "a0")),
    ("also if it joins before the death is known", 2, [*BOTH, joining("a0", 1), vanishing("a1"), beating("a0", 2)], 2),
    ("with too few it waits", 2, [wanting(2, 2), *BOTH, leaving("a1", "Failed"), joining("a0", 1)], "1 of 2"),
    (
        "until another comes",
        2,
        [wanting(2, 2), *BOTH, leaving("a1", "Failed"), joining("a0", 1), joining("b1")],
        (2, "a0 b1"),
    ),
    (
        "two of three go on",
        3,
        [*BOTH, joining("a2"), vanishing("a1"), joining("a2", 1), joining("a0", 1)],
        (2, "a0 a2"),
    ),
    ("a newcomer waits until the others have done their step", 2, [*BOTH, wanting(3), joining("a2")], "1 of 3"),
    ("the others hear of the newcomer", 2, [*BOTH, wanting(3), joining("a2"), beating("a0", 1)], 2),
    ("and take it in", 2, [*BOTH, wanting(3), joining("a2"), *AGAIN], (2, "a0 a1 a2")),
    (
        "a member that dies in its last step breaks the generation",
        2,
        [*BOTH, wanting(3), joining("a2"), vanishing("a1"), beating("a0", 1)],
        "2 at once",
    ),
    (
        "a newcomer that vanishes again is not waited for",
        2,
        [*BOTH, wanting(3), joining("a2"), vanishing("a2"), *AGAIN],
        (2, "a0 a1"),
    ),
    ("a replaced member breaks the generation", 2, [*BOTH, joining("b1"), beating("a0", 1)], "2 at once"),
    ("the replacement waits for the survivors", 2, [*BOTH, joining("b1")], "1 of 2"),
    ("a survivor completes it", 2, [*BOTH, joining("b1"), joining("a0", 1)], (2, "a0 b1")),
    ("whoever was replaced can't take its place back", 2, [*BOTH, joining("b1"), joining("a1", 1)], "no"),
    (
        "whoever was silent may come back",
        2,
        [*BOTH, frozenset({"a1"}), joining("a1", 1), joining("a0", 1)],
        (2, "a0 a1"),
    ),
    ("a silent process that waited is not waited for", 2, [joining("a0"), frozenset({"a0"}), joining("a1")], "1 of 2"),
    ("the first generation waits for all at first", 3, [*BOTH, frozenset(), 29, frozenset(), beating("a0", 0)], 1),
    ("and then begins with enough", 3, [*BOTH, frozenset(), 30, frozenset(), joining("a0")], (1, "a0 a1")),
    ("a new coordinator waits a lease for survivors", 2, [joining("a0", 7), frozenset(), 1.9, frozenset()], 8),
    (
        "and then begins with those that came",
        2,
        [joining("a0", 7), frozenset(), 2, frozenset(), joining("a0")],
        (8, "a0"),
    ),
    ("but not with too few", 3, [wanting(3, 3), *BOTH, frozenset(), 99, frozenset(), joining("a0")], "2 of 3"),
    ("who computes otherwise is refused", 2, [joining("a0"), joining("a1", numerics="cuda")], "no"),
    ("unless it replaces the one it differs from", 1, [joining("a0"), joining("b0", numerics="cuda")], (2, "b0")),
    ("a stranger's leaving changes nothing", 2, [*BOTH, leaving("x7", "Failed")], 1),
    ("a stranger's heartbeat changes nothing", 2, [*BOTH, beating("x7", 1)], 1),
    ("an old generation's heartbeat changes nothing", 2, [*BOTH, *AGAIN, beating("a0", 1)], 2),
    ("scaling up changes nothing until the new worker is there", 2, [*BOTH, wanting(3)], 1),
    ("scaling up begins with the new worker", 2, [*BOTH, wanting(3), joining("a2"), *AGAIN], (2, "a0 a1 a2")),
    ("scaling down changes nothing until the last worker goes", 2, [*BOTH, wanting(1)], 1),
    ("scaling down goes on without it", 2, [*BOTH, wanting(1), leaving("a1", "Stopped"), joining("a0", 1)], (2, "a0")),
    ("a worker that is scaled away is turned away", 2, [*BOTH, wanting(1), joining("a0", 1), joining("a1", 1)], "no"),
    ("and not waited for", 2, [*BOTH, wanting(1), joining("a0", 1), joining("a1", 1), beating("a0", 2)], 2),
    ("scaling down may complete those who wait", 3, [*BOTH, wanting(2), beating("a0", 1)], 1),
    ("the same number again changes nothing", 2, [*BOTH, wanting(2)], 1),
    ("numbers go on from the newest that anyone was in", 2, [joining("a0", 7), joining("a1", 6)], (8, "a0 a1")),
    ("one that finishes does not end the generation", 2, [*BOTH, leaving("a0", "Finished"), beating("a1", 1)], 1),
    (
        "a process that dies after the others finished is replaced, and waits for nobody",
        2,
        [*BOTH, leaving("a0", "Finished"), leaving("a1", "Failed"), joining("b1")],
        (2, "b1"),
    ),
    (
        "a finished process that comes back is waited for again",
        2,
        [*BOTH, leaving("a0", "Finished"), leaving("a1", "Finished"), joining("b0")],
        (2, "b0"),
    ),
    # A new coordinator, while the trainers of the former one go on.
    ("a running generation is taken over", 2, [beating("a0", 3)], 3),
    ("its progress is enough for that", 2, [progressing(3, 5)], 3),
    ("the newest of several holds", 2, [beating("x0", 2), beating("a0", 3), beating("x0", 2)], 3),
    (
        "it holds while nobody wants another",
        2,
        [beating("a0", 3), beating("a1", 3), 60, frozenset(), beating("a0", 3)],
        3,
    ),
    ("it ends when a new process joins", 2, [beating("a0", 3, ranks=1), joining("b1"), beating("a0", 3)], 4),
    (
        "it is broken when a member's place is taken",
        2,
        [beating("a0", 3), beating("a1", 3), joining("b1"), beating("a0", 3)],
        "4 at once",
    ),
    ("its survivors form the next", 2, [beating("a0", 3), joining("b1"), joining("a0", 3)], (4, "a0 b1")),
    ("it ends when one leaves", 2, [beating("a0", 3), beating("a1", 3), leaving("a1", "Failed")], "4 at once"),
    ("it ends when one falls silent", 2, [beating("a0", 3), frozenset({"a0"})], "4 at once"),
    ("it has a lease's time to show all members", 2, [beating("a0", 3), 1.9, frozenset()], 3),
    ("it is broken if one is then missing", 2, [beating("a0", 3), 2, frozenset()], "4 at once"),
    ("it may have fewer ranks than wanted", 2, [beating("a0", 3, ranks=1), 9, frozenset()], 3),
    ("it is not taken over when others already wait", 2, [joining("a1", 3), beating("a0", 3)], 4),
    ("it can't end a generation that began here", 2, [*BOTH, beating("x0", 9)], 1),
]


@pytest.mark.parametrize(("sentence", "wanted", "said", "answer"), CASES, ids=[case[0] for case in CASES])
def test_answer(sentence: str, wanted: int, said: list[object], answer: object) -> None:
    assert told(follow(wanted, *said)[-1]) == answer


LOSSES = [
    ("nobody is lost at first", BOTH, 0),
    ("a failed member is lost", (*BOTH, leaving("a1", "Failed")), 1),
    ("a stopped member is not lost", (*BOTH, leaving("a1", "Stopped")), 0),
    ("a member that failed and is replaced is lost once", (*BOTH, leaving("a1", "Failed"), joining("b1")), 1),
    ("a member that is replaced before anyone misses it is lost", (*BOTH, joining("b1")), 1),
    ("a member that dies while its peers join again is lost", (*BOTH, joining("a0", 1), joining("b1")), 1),
    ("a silent member is lost", (*BOTH, frozenset({"a1"})), 1),
    ("members that join again are not lost", (*BOTH, *AGAIN), 0),
    ("a worker that is scaled away is not lost", (*BOTH, wanting(1)), 0),
]


@pytest.mark.parametrize(("sentence", "said", "lost"), LOSSES, ids=[case[0] for case in LOSSES])
def test_lost_members(sentence: str, said: tuple[object, ...], lost: int) -> None:
    assert follow(2, *said)[-1].roster.lost_members == lost


STATES = [
    ("nobody has joined", [], "Waiting"),
    ("a generation runs", BOTH, "Training"),
    ("a member has failed, the other is in its last step", [*BOTH, leaving("a0", "Failed")], "Training"),
    ("too few are left", [wanting(2, 2), *BOTH, leaving("a0", "Failed"), joining("a1", 1)], "Waiting"),
    ("one of two has finished", [*BOTH, leaving("a0", "Finished")], "Training"),
    ("both have finished", [*BOTH, leaving("a0", "Finished"), leaving("a1", "Finished")], "Finished"),
    ("a generation is taken over", [beating("a0", 3)], "Training"),
    (
        "a generation that was taken over has finished",
        [beating("a0", 3), beating("a1", 3), leaving("a0", "Finished"), leaving("a1", "Finished")],
        "Finished",
    ),
]


@pytest.mark.parametrize(("sentence", "said", "state"), STATES, ids=[case[0] for case in STATES])
def test_state(sentence: str, said: list[object], state: str) -> None:
    assert follow(2, wanting(2), *said)[-1].roster.status().state == state


def test_progress_tells_the_first_loss_for_ever() -> None:
    said = (*BOTH, 5, progressing(1, 1, loss=9.0), 5, progressing(1, 2, loss=8.0))
    status = follow(2, *said)[-1].roster.status()
    assert (status.first_loss, status.first_step_time) == (9.0, "at 5 s")
    assert status.progress == progressing(1, 2, loss=8.0)


def test_progress_may_go_back() -> None:
    status = follow(2, *BOTH, progressing(1, 9), *AGAIN, progressing(2, 4))[-1].roster.status()
    assert status.progress == progressing(2, 4)


def test_progress_of_an_old_generation_is_not_noted() -> None:
    status = follow(2, *BOTH, *AGAIN, progressing(2, 4), progressing(1, 9))[-1].roster.status()
    assert status.progress == progressing(2, 4)


def test_a_generation_that_ended_still_tells_what_it_did() -> None:
    status = follow(2, *BOTH, leaving("a1", "Failed"), progressing(1, 9))[-1].roster.status()
    assert status.progress == progressing(1, 9)


def test_why_a_generation_ended_is_in_the_log() -> None:
    turn = follow(2, *BOTH, leaving("a1", "Failed"))[-1]
    assert [event.name for event in turn.events] == ["left", "generation ended"]
    assert turn.events[1].fields["reason"] == "worker 1 rank 0 failed"


def test_a_new_coordinator_knows_who_trains_by_their_heartbeats() -> None:
    status = follow(2, beating("a1", 3), beating("a0", 3))[-1].roster.status()
    assert [member.incarnation for member in status.members] == ["a0", "a1"]


def test_what_another_first_rank_does_not_know_is_kept() -> None:
    fresh = progressing(2, 10).model_copy(update={"checkpoint": None, "held_out_loss": None, "held_out_step": None})
    told = progressing(1, 9).model_copy(update={"held_out_step": 8})
    kept = follow(2, *BOTH, told, *AGAIN, fresh)[-1].roster.progress
    assert kept is not None
    assert (kept.step, kept.checkpoint, kept.held_out_loss, kept.held_out_step) == (10, told.checkpoint, 2.5, 8)
