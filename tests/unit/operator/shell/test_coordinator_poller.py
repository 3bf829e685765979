"""Coordinators are asked one at a time each, in tasks of their own."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_operator.core.snapshot import Silence
from llmtrain_operator.shell import coordinator_poller
from llmtrain_operator.shell.coordinator_client import NoAnswer
from llmtrain_operator.shell.coordinator_poller import CoordinatorPoller, Newest, Poll
from llmtrain_operator.shell.poll_rate import POLLS_PER_SECOND
from unit.operator.builders import KEYS, coordinator_status, job, pod, progress

KEY = ("ns", "j")
POD = pod("j-coordinator", "coordinator")


class Asked:
    """A poller with a coordinator that answers with `status`, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.times, self.woken = 1000.0, 0, 0
        self.status: CoordinatorStatus | None = coordinator_status()
        self.pod: Any = POD
        self.poller = CoordinatorPoller(
            lambda key: (job(), self.pod) if self.pod else None, KEYS.tokens, self.wake, lambda: self.now
        )
        monkeypatch.setattr(coordinator_poller, "sync_workers", self.sync_workers)

    def wake(self, key: Any) -> None:
        self.woken += 1

    async def sync_workers(self, *_: Any) -> CoordinatorStatus:
        self.times += 1
        if self.status is None:
            raise NoAnswer("no answer in time")
        return self.status

    async def poll_now(self, interval: float = 0.0) -> None:
        """Ask now, and wait for the answer; `interval` is that of the job's last plan."""
        self.poller.schedule(KEY, None, interval)  # type: ignore[arg-type]
        poll = self.poller.polls[KEY]
        assert poll.timer is not None
        poll.timer.cancel()
        self.poller.start(KEY, None)  # type: ignore[arg-type]
        assert poll.task is not None
        await poll.task


@pytest.fixture
async def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


async def test_an_answer_wakes_the_job_and_is_news_once(asked: Asked) -> None:
    assert asked.poller.answer(KEY, POD) is None, "it was not asked yet"
    await asked.poll_now()
    assert asked.woken == 1
    first, second = asked.poller.answer(KEY, POD), asked.poller.answer(KEY, POD)
    assert first is not None
    assert second is not None
    assert (first.is_news, second.is_news, second.status) == (True, False, coordinator_status())


async def test_an_answer_with_nothing_but_new_figures_waits(asked: Asked) -> None:
    def status(step: int, **fields: Any) -> CoordinatorStatus:
        return coordinator_status(progress=progress(step=step).model_dump(), **fields)

    async def read_and_poll(step: int, seconds: float, **fields: Any) -> int:
        """Let time pass since the job was reconciled, poll, and return how often the job was woken since."""
        asked.now += seconds
        woken, asked.status = asked.woken, status(step, **fields)
        await asked.poll_now(interval=5.0)
        return asked.woken - woken

    asked.status = status(1)
    await asked.poll_now()
    assert asked.poller.answer(KEY, POD) is not None
    assert await read_and_poll(2, 5) == 0
    timer = asked.poller.polls[KEY].timer
    assert timer is not None, "it is asked again after the same interval"
    assert timer.when() - asyncio.get_running_loop().time() == pytest.approx(5, abs=0.5)
    assert await read_and_poll(3, 20) == 0
    asked.poller.schedule(KEY, None)  # type: ignore[arg-type]
    assert await read_and_poll(3, 4) == 1, "the job asked for an answer at once"
    assert await read_and_poll(3, 0) == 0
    assert await read_and_poll(4, 2) == 1, "figures are due after 30 seconds"
    assert asked.poller.answer(KEY, POD) is not None
    assert await read_and_poll(5, 5, joined=1) == 1, "a rank was lost"
    asked.poller.discard(KEY)


def next_poll_in(asked: Asked) -> float:
    """Return the seconds until the coordinator is asked again."""
    timer = asked.poller.polls[KEY].timer
    assert timer is not None
    return timer.when() - asyncio.get_running_loop().time()


async def training(asked: Asked, others: int) -> None:
    """Let the job be reconciled with an answer while it trains, beside so many others."""
    asked.status = coordinator_status(progress=progress(step=1).model_dump())
    await asked.poll_now()
    assert asked.poller.answer(KEY, POD) is not None
    for number in range(others):
        asked.poller.rate.put(("ns", f"other-{number}"), 5.0)


async def test_a_coordinator_beside_many_others_is_asked_less_often(asked: Asked) -> None:
    await training(asked, others=round(5 * 2 * POLLS_PER_SECOND))
    asked.now += 5
    await asked.poll_now(interval=5.0)
    assert next_poll_in(asked) == pytest.approx(10, abs=0.5)
    asked.now += 10
    asked.status = None
    await asked.poll_now(interval=5.0)
    assert next_poll_in(asked) == pytest.approx(1, abs=0.5), "its first silence is looked into at once"
    asked.poller.discard(KEY)


async def test_figures_are_not_late_however_many_coordinators_there_are(asked: Asked) -> None:
    await training(asked, others=round(5 * 4 * POLLS_PER_SECOND))
    asked.now += 20
    await asked.poll_now(interval=5.0)
    assert next_poll_in(asked) == pytest.approx(10, abs=0.5), "30 seconds after the job was reconciled"
    asked.poller.discard(KEY)
    asked.poller.schedule(KEY, None, 60.0)  # type: ignore[arg-type]
    assert next_poll_in(asked) == pytest.approx(30, abs=0.5)
    asked.poller.discard(KEY)


async def test_a_coordinator_that_is_not_asked_regularly_leaves_its_share_to_others(asked: Asked) -> None:
    await asked.poll_now(interval=0.5)
    assert asked.poller.rate.demand == pytest.approx(2)
    asked.poller.pause(KEY)
    assert asked.poller.rate.demand == 0
    await asked.poll_now(interval=0.5)
    for asked.pod in (None, "unreadable"):
        await asked.poll_now(interval=0.5)
        assert asked.poller.rate.demand == 0


async def test_the_answer_of_another_pod_does_not_count(asked: Asked) -> None:
    await asked.poll_now()
    successor = pod("j-worker-9", "coordinator")
    assert asked.poller.answer(KEY, successor) is None
    asked.pod, asked.status = successor, None
    await asked.poll_now()
    answer = asked.poller.answer(KEY, successor)
    assert answer is not None
    assert answer.status is None
    assert asked.poller.polls[KEY].status == coordinator_status(), "its successor continues from it"


async def test_a_short_silence_is_bridged_and_a_long_one_is_not(asked: Asked) -> None:
    await asked.poll_now()
    asked.status = None
    asked.now += 2
    await asked.poll_now()
    assert asked.poller.answer(KEY, POD) is not None
    known = asked.poller.answer(KEY, POD)
    assert known is not None
    assert known.status == coordinator_status()
    asked.now += 10
    await asked.poll_now()
    silent = asked.poller.answer(KEY, POD)
    assert silent is not None
    assert (silent.status, silent.is_news) == (None, True)


async def test_a_coordinator_that_does_not_answer_is_asked_less_often(asked: Asked) -> None:
    await asked.poll_now()
    asked.status = None
    await asked.poll_now()
    asked.now += 60
    await asked.poll_now()
    asked.poller.schedule(KEY, None)  # type: ignore[arg-type]
    timer = asked.poller.polls[KEY].timer
    assert timer is not None
    assert timer.when() - asyncio.get_running_loop().time() == pytest.approx(10, abs=0.5)
    asked.poller.discard(KEY)


async def test_of_two_delays_the_shorter_counts(asked: Asked) -> None:
    await asked.poll_now()
    for seconds in (30.0, 5.0, 20.0):
        asked.poller.schedule(KEY, None, seconds)  # type: ignore[arg-type]
    timer = asked.poller.polls[KEY].timer
    assert timer is not None
    assert timer.when() - asyncio.get_running_loop().time() == pytest.approx(5, abs=0.5)
    asked.poller.discard(KEY)
    assert timer.cancelled()


async def test_a_coordinator_that_runs_no_more_is_not_asked(asked: Asked) -> None:
    asked.pod = None
    await asked.poll_now()
    assert (asked.times, asked.woken) == (0, 0)


def silence_of(asked: Asked) -> Silence | None:
    answer = asked.poller.answer(KEY, POD)
    assert answer is not None
    return answer.silence


async def test_the_silence_of_a_coordinator_lasts_until_it_answers(asked: Asked) -> None:
    await asked.poll_now()
    assert silence_of(asked) is None
    asked.status = None
    asked.now += 5
    await asked.poll_now()
    assert asked.poller.polls[KEY].timer is not None, "it is asked again soon"
    asked.now += 1
    await asked.poll_now()
    silence = silence_of(asked)
    assert silence is not None
    assert (silence.duration, silence.unanswered) == (timedelta(seconds=6), 2)
    assert silence.has_answered
    assert silence.error == "no answer in time"
    asked.status = coordinator_status()
    await asked.poll_now()
    assert silence_of(asked) is None


async def test_a_refusal_is_a_silence_of_its_own(asked: Asked) -> None:
    asked.poller.record(asked.poller.polls.setdefault(KEY, Poll()), POD, NoAnswer("no token", is_refusal=True), 0)
    silence = silence_of(asked)
    assert silence is not None
    assert (silence.is_refusal, silence.error) == (True, "no token")


async def test_a_job_that_cannot_be_read_any_more_is_no_error_of_the_task(asked: Asked) -> None:
    def target(key: Any) -> Any:
        raise ValueError("spec")

    asked.poller.target = target
    await asked.poll_now()
    assert (asked.times, asked.woken) == (0, 0)


async def test_a_successor_has_not_answered_before(asked: Asked) -> None:
    await asked.poll_now()
    asked.pod, asked.status = pod("j-worker-9", "coordinator"), None
    for _ in range(3):
        asked.now += 10
        await asked.poll_now()
    answer = asked.poller.answer(KEY, asked.pod)
    assert answer is not None
    assert answer.silence is not None
    assert (answer.silence.duration, answer.silence.unanswered) == (timedelta(seconds=20), 3)
    assert not answer.silence.has_answered


@pytest.mark.parametrize(
    ("node", "answers_last", "expected"),
    [
        pytest.param("node-2", False, True, id="others on other nodes are silent too"),
        pytest.param("node-2", True, False, id="others answer"),
        pytest.param("node-1", False, False, id="others are on the same node"),
    ],
)
async def test_a_silence_of_all_is_common(asked: Asked, node: str, answers_last: bool, expected: bool) -> None:
    await asked.poll_now()
    asked.now, asked.status = asked.now + 5, None
    await asked.poll_now()
    asked.now += 1
    other = Poll()
    for answer in (NoAnswer(""), coordinator_status() if answers_last else NoAnswer("")):
        asked.poller.record(other, replace(POD, uid="other", node=node), answer, asked.now)
    await asked.poll_now()
    silence = silence_of(asked)
    assert silence is not None
    assert silence.is_common is expected


async def test_a_job_that_is_discarded_while_it_is_asked_is_not_asked_again(asked: Asked) -> None:
    await asked.poll_now()
    asked.now, asked.status = asked.now + 5, None
    asked.poller.schedule(KEY, None)  # type: ignore[arg-type]
    poll = asked.poller.polls[KEY]
    assert poll.timer is not None
    poll.timer.cancel()
    asked.poller.start(KEY, None)  # type: ignore[arg-type]
    asked.poller.discard(KEY)
    assert poll.task is not None
    await poll.task
    assert asked.poller.polls == {}


def test_what_happened_last_on_another_node() -> None:
    newest = Newest()
    assert newest.elsewhere("a") == float("-inf")
    for time, node in enumerate("abcbb"):
        newest.record(node, time)
    assert (newest.elsewhere("a"), newest.elsewhere("b"), newest.elsewhere("c")) == (4, 2, 4)
