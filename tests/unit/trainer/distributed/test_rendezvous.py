"""A rank repeats its join until it is a member of a newer generation, or the training is finished."""

import io
from collections.abc import Callable

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import Join, JoinPending, Member, Membership
from llmtrain_trainer.distributed.rendezvous import Rendezvous
from llmtrain_trainer.errors import BadInput, CoordinatorUnavailable, StopRequested

ME = Member(worker=1, local_rank=0, incarnation="me", address="127.0.0.1", store_port=1)
OTHER = ME.model_copy(update={"worker": 0, "incarnation": "other"})
Answer = Membership | JoinPending | Exception


class ScriptedCoordinator:
    def __init__(self, *answers: Answer) -> None:
        self.answers, self.requests = list(answers), list[Join]()

    def join(self, join: Join) -> Membership | JoinPending:
        self.requests.append(join)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass


def generation(number: int, *members: Member) -> Membership:
    return Membership(generation=number, members=list(members))


def rendezvous(
    coordinator: ScriptedCoordinator,
    log: JsonLog,
    *finished: bool,
    pause: Callable[[float], None] = lambda seconds: None,
) -> Rendezvous:
    answers = [*finished, False]
    return Rendezvous(
        coordinator=coordinator,
        member=ME,
        finished=lambda: answers.pop(0) if answers[1:] else answers[0],
        pause=pause,
        log=log,
    )  # type: ignore[arg-type]


def test_it_asks_again_after_a_pending_answer_and_an_outage(log: JsonLog, lines: io.StringIO) -> None:
    complete = generation(3, OTHER, ME)
    coordinator = ScriptedCoordinator(
        CoordinatorUnavailable("connection refused"), JoinPending(joined=1, desired=2), complete
    )
    assert rendezvous(coordinator, log).next(None) == complete
    assert "connection refused" in lines.getvalue()


def test_a_join_names_the_newest_generation_and_the_step(log: JsonLog) -> None:
    coordinator = ScriptedCoordinator(generation(3, ME), generation(7, ME))
    ranks_rendezvous = rendezvous(coordinator, log)
    ranks_rendezvous.next(None)
    ranks_rendezvous.next(60)
    assert [(join.generation, join.step) for join in coordinator.requests] == [(0, None), (3, 60)]


def test_an_old_generation_or_one_without_the_rank_is_not_joined(log: JsonLog) -> None:
    expected = generation(5, ME)
    coordinator = ScriptedCoordinator(generation(3, ME), generation(3, ME), generation(4, OTHER), expected)
    ranks_rendezvous = rendezvous(coordinator, log)
    assert ranks_rendezvous.next(None) == generation(3, ME)
    assert ranks_rendezvous.next(None) == expected


def test_an_older_coordinators_generation_is_not_joined(log: JsonLog) -> None:
    newer, older = generation(3, ME).model_copy(update={"term": 2}), generation(7, ME).model_copy(update={"term": 1})
    coordinator = ScriptedCoordinator(newer, older, generation(4, ME).model_copy(update={"term": 2}))
    ranks_rendezvous = rendezvous(coordinator, log)
    assert [(ranks_rendezvous.next(0) or newer).generation for _ in range(2)] == [3, 4]
    assert [join.term for join in coordinator.requests] == [0, 2, 2]


def test_a_finished_training_is_not_joined(log: JsonLog) -> None:
    assert rendezvous(ScriptedCoordinator(), log, True).next(None) is None


def test_the_end_of_the_training_is_noticed_while_waiting(log: JsonLog) -> None:
    assert rendezvous(ScriptedCoordinator(JoinPending(joined=1, desired=2)), log, False, True).next(None) is None


def test_a_rejected_join_is_final(log: JsonLog) -> None:
    with pytest.raises(BadInput, match="worker 5 does not exist"):
        rendezvous(ScriptedCoordinator(BadInput("worker 5 does not exist")), log).next(None)


def test_a_stop_signal_ends_the_rendezvous(log: JsonLog) -> None:
    def stop(seconds: float) -> None:
        raise StopRequested("stopped")

    with pytest.raises(StopRequested):
        rendezvous(ScriptedCoordinator(CoordinatorUnavailable("connection refused")), log, pause=stop).next(None)
