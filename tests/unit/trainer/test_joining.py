"""A rank asks until it has a place in a newer generation, or nothing is left to train."""

import io
from collections.abc import Callable

import pytest

from llmtrain_api.protocol import Join, JoinPending, Member, Membership
from llmtrain_trainer.distributed.rendezvous import Rendezvous
from llmtrain_trainer.errors import BadInput, CoordinatorUnavailable, StopRequested
from llmtrain_trainer.log import Log

ME = Member(worker=1, local_rank=0, incarnation="me", address="127.0.0.1", store_port=1)
OTHER = ME.model_copy(update={"worker": 0, "incarnation": "other"})
Answer = Membership | JoinPending | Exception


class Coordinator:
    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), list[Join]()

    def join(self, join: Join) -> Membership | JoinPending:
        self.asked.append(join)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass


def generation(number: int, *members: Member) -> Membership:
    return Membership(generation=number, members=list(members))


def joining(
    coordinator: Coordinator, log: Log, *finished: bool, pause: Callable[[float], None] = lambda seconds: None
) -> Rendezvous:
    answers = [*finished, False]
    return Rendezvous(
        coordinator=coordinator,
        member=ME,
        finished=lambda: answers.pop(0) if answers[1:] else answers[0],
        pause=pause,
        log=log,
    )  # type: ignore[arg-type]


def test_it_asks_through_waiting_and_silence(log: Log, lines: io.StringIO) -> None:
    complete = generation(3, OTHER, ME)
    coordinator = Coordinator(CoordinatorUnavailable("nobody there"), JoinPending(joined=1, desired=2), complete)
    assert joining(coordinator, log).next(None) == complete
    assert "nobody there" in lines.getvalue()


def test_it_tells_the_newest_generation_and_step(log: Log) -> None:
    coordinator = Coordinator(generation(3, ME), generation(7, ME))
    asking = joining(coordinator, log)
    asking.next(None)
    asking.next(60)
    assert [(join.generation, join.step) for join in coordinator.asked] == [(0, None), (3, 60)]


def test_a_generation_that_is_over_or_without_it_is_not_taken(log: Log) -> None:
    expected = generation(5, ME)
    coordinator = Coordinator(generation(3, ME), generation(3, ME), generation(4, OTHER), expected)
    asking = joining(coordinator, log)
    assert asking.next(None) == generation(3, ME)
    assert asking.next(None) == expected


def test_an_older_coordinators_generation_is_not_taken(log: Log) -> None:
    newer, older = generation(3, ME).model_copy(update={"term": 2}), generation(7, ME).model_copy(update={"term": 1})
    coordinator = Coordinator(newer, older, generation(4, ME).model_copy(update={"term": 2}))
    asking = joining(coordinator, log)
    assert [(asking.next(0) or newer).generation for _ in range(2)] == [3, 4]
    assert [join.term for join in coordinator.asked] == [0, 2, 2]


def test_nothing_is_asked_when_the_training_is_finished(log: Log) -> None:
    assert joining(Coordinator(), log, True).next(None) is None


def test_the_end_of_the_training_is_noticed_while_waiting(log: Log) -> None:
    assert joining(Coordinator(JoinPending(joined=1, desired=2)), log, False, True).next(None) is None


def test_a_refusal_is_final(log: Log) -> None:
    with pytest.raises(BadInput, match="not wanted"):
        joining(Coordinator(BadInput("not wanted")), log).next(None)


def test_a_stop_ends_the_waiting(log: Log) -> None:
    def stop(seconds: float) -> None:
        raise StopRequested("stopped")

    with pytest.raises(StopRequested):
        joining(Coordinator(CoordinatorUnavailable("nobody there")), log, pause=stop).next(None)
