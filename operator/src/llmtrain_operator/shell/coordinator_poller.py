"""Asks coordinators in tasks of their own: a coordinator that does not answer keeps no worker of the queue waiting.

An answer that changes more than figures enqueues the job, which is then reconciled with it; figures do after a while.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp

from llmtrain_api.events import OperatorEvent
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.coordinator_loss import LOST_AFTER, LOST_POLLS
from llmtrain_operator.core.snapshot import Job, Silence
from llmtrain_operator.core.status.progress import differs_in_figures_only
from llmtrain_operator.core.status.write_delay import FIGURES_INTERVAL
from llmtrain_operator.shell.coordinator_client import NoAnswer, sync_workers
from llmtrain_operator.shell.poll_rate import PollRate
from llmtrain_operator.shell.store import JobKey

Target = tuple[Job, PodView]
"""A job, and the pod of its coordinator."""
SILENT_SECONDS = LOST_AFTER.total_seconds()
"""How long the last answer of a coordinator counts while it does not answer again."""
MAX_DELAY_SECONDS = 10.0
"""Longest time between two questions to a coordinator that does not answer."""
RETRY_SECONDS = 1.0
"""How long after its first silence a coordinator is asked again, before it counts as lost."""
MIN_INTERVAL_SECONDS = 0.5
"""Least time between two questions to one coordinator."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is known of a coordinator."""

    status: CoordinatorStatus | None
    """Its last answer; None if it has not answered for some seconds."""
    is_news: bool
    """Whether the coordinator was asked since the answer was read last."""
    is_fresh: bool
    """Whether this answer enqueued the job. One with new figures only waits, and can be seconds old."""
    silence: Silence | None = None
    """Its silence; None if it answered the last question."""


@dataclass(kw_only=True)
class Poll:
    """The state of asking one coordinator."""

    pod_uid: str = ""
    """The pod that was asked last; empty before the first question."""
    node: str = ""
    """The node of that pod."""
    status: CoordinatorStatus | None = None
    """The last answer of a coordinator of this job."""
    is_current: bool = False
    """Whether `status` is that of the pod that was asked last."""
    asked_at: float = 0.0
    answered_at: float = 0.0
    answered: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The date and time of `answered_at`."""
    unanswered: int = 0
    """Questions since its last answer."""
    silent_from: float = 0.0
    """When the first of those questions was asked."""
    no_answer: NoAnswer | None = None
    """Why the last one was not answered."""
    is_news: bool = False
    is_fresh: bool = False
    """Whether the last question enqueued the job, which was not reconciled since."""
    read: CoordinatorStatus | None = None
    """The answer that the job was reconciled with last."""
    read_at: float = 0.0
    interval_seconds: float = 0.0
    """Time between two questions while nothing but figures changes."""
    is_awaited: bool = False
    """Whether the job is to be reconciled with the next answer, whatever that is."""
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None


class Newest:
    """When something happened last, on any node but one."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        """Times of the two nodes on which it happened last, in order."""

    def record(self, node: str, now: float) -> None:
        """Record that it happens now on a node."""
        self.times.pop(node, None)
        self.times[node] = now
        if len(self.times) > 2:
            del self.times[next(iter(self.times))]

    def elsewhere(self, node: str) -> float:
        """Return when it happened last on another node; minus infinity if never."""
        return max((time for other, time in self.times.items() if other != node), default=float("-inf"))


class CoordinatorPoller:
    """Asks each job's coordinator when asked to, never twice at once."""

    def __init__(
        self,
        target: Callable[[JobKey], Target | None],
        tokens: Callable[[str], tuple[str, ...]],
        wake: Callable[[JobKey], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target, self.tokens, self.wake, self.clock = target, tokens, wake, clock
        self.polls: dict[JobKey, Poll] = {}
        self.rate = PollRate()
        self.answers, self.failures = Newest(), Newest()
        """The newest answers, and the newest questions without one, of all coordinators."""

    def answer(self, key: JobKey, pod: PodView) -> Answer | None:
        """Return what is known of the coordinator in `pod`; None if it has not been asked yet."""
        poll = self.polls.get(key)
        if poll is None or poll.pod_uid != pod.uid:
            return None
        is_news, poll.is_news = poll.is_news, False
        is_fresh, poll.is_fresh = poll.is_fresh, False
        poll.read, poll.read_at = poll.status, self.clock()
        silent_seconds = poll.asked_at - poll.answered_at
        status = poll.status if poll.is_current and silent_seconds < SILENT_SECONDS else None
        silence = self.silence(poll) if poll.unanswered else None
        return Answer(status=status, is_news=is_news, is_fresh=is_fresh, silence=silence)

    def silence(self, poll: Poll) -> Silence:
        """Return the silence of a coordinator that did not answer the last question."""
        others_fail = self.failures.elsewhere(poll.node) >= poll.silent_from
        return Silence(
            since=poll.answered,
            duration=timedelta(seconds=poll.asked_at - poll.answered_at),
            unanswered=poll.unanswered,
            has_answered=poll.is_current,
            is_common=others_fail and self.answers.elsewhere(poll.node) < poll.silent_from,
            error=str(poll.no_answer or ""),
            is_refusal=poll.no_answer is not None and poll.no_answer.is_refusal,
        )

    def schedule(self, key: JobKey, session: aiohttp.ClientSession, interval_seconds: float = 0.0) -> None:
        """Ask a job's coordinator after an interval, or now, unless it is asked before; later if it does not answer.

        The interval also holds for the questions after that one, and is longer while there are many coordinators, but not
        longer than figures may be old.
        """
        poll = self.polls.setdefault(key, Poll())
        if interval_seconds:
            poll.interval_seconds = interval_seconds
            self.rate.put(key, interval_seconds)
        else:
            poll.is_awaited = True
        seconds = min(self.rate.stretched(interval_seconds), FIGURES_INTERVAL.total_seconds())
        self.ask_after(key, poll, session, seconds)

    def ask_after(self, key: JobKey, poll: Poll, session: aiohttp.ClientSession, seconds: float) -> None:
        """Ask a job's coordinator after a delay, unless it is asked before; later if it does not answer."""
        if poll.task is not None:
            return
        now, loop = self.clock(), asyncio.get_running_loop()
        silent_seconds = poll.asked_at - poll.silent_from if poll.unanswered else 0.0
        quiet = min(silent_seconds / 4, MAX_DELAY_SECONDS) if silent_seconds > SILENT_SECONDS else MIN_INTERVAL_SECONDS
        delay = max(seconds, poll.asked_at + quiet - now if poll.asked_at else 0.0, 0.0)
        if poll.timer is not None:
            if poll.timer.when() <= loop.time() + delay:
                return
            poll.timer.cancel()
        poll.timer = loop.call_later(delay, self.start, key, session)

    def start(self, key: JobKey, session: aiohttp.ClientSession) -> None:
        """Start to ask a job's coordinator."""
        poll = self.polls.get(key)
        if poll is not None:
            poll.timer = None
            poll.task = asyncio.get_running_loop().create_task(self.run(key, poll, session))

    async def run(self, key: JobKey, poll: Poll, session: aiohttp.ClientSession) -> None:
        """Ask a job's coordinator once, keep its answer and enqueue the job; do nothing if none runs any more."""
        asked_from, can_wait = self.clock(), False
        try:
            target = self.target(key)
            if target is None:
                self.pause(key)
                return
            job, pod = target
            answer = await self.question(session, job, pod, poll.status)
            can_wait = self.changes_figures_only(poll, pod, answer)
            self.record(poll, pod, answer, asked_from)
            if not can_wait:
                poll.is_fresh = True
                self.wake(key)
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # of a job that cannot be read any more
            log.debug(OperatorEvent.COORDINATOR_UNREACHABLE, extra={"fields": {"message": str(error)[:500]}})
            self.pause(key)
            return
        finally:
            poll.task = None
        if self.polls.get(key) is not poll:
            return
        if poll.is_current and 0 < poll.unanswered < LOST_POLLS:
            self.ask_after(key, poll, session, RETRY_SECONDS)
        elif can_wait:
            figures_due = poll.read_at + FIGURES_INTERVAL.total_seconds() - self.clock()
            self.ask_after(key, poll, session, min(self.rate.stretched(poll.interval_seconds), figures_due))

    async def question(
        self, session: aiohttp.ClientSession, job: Job, pod: PodView, last: CoordinatorStatus | None
    ) -> CoordinatorStatus | NoAnswer:
        """Return what the coordinator in `pod` answers; `last` is its last answer."""
        try:
            return await sync_workers(session, job, pod, self.tokens(job.uid), last)
        except NoAnswer as no_answer:
            return no_answer

    def changes_figures_only(self, poll: Poll, pod: PodView, answer: CoordinatorStatus | NoAnswer) -> bool:
        """Return whether an answer can wait: it has nothing but new figures, and the job had some not long ago."""
        is_known = poll.pod_uid == pod.uid and poll.is_current and poll.unanswered == 0
        if isinstance(answer, NoAnswer) or poll.read is None or poll.is_awaited:
            return False
        if not poll.interval_seconds or not is_known:
            return False
        is_recent = self.clock() - poll.read_at < FIGURES_INTERVAL.total_seconds()
        return is_recent and differs_in_figures_only(answer, poll.read)

    def record(self, poll: Poll, pod: PodView, answer: CoordinatorStatus | NoAnswer, asked_from: float) -> None:
        """Keep what the coordinator in `pod` answered, which was asked from then on."""
        now = self.clock()
        if poll.pod_uid != pod.uid:
            poll.pod_uid, poll.node, poll.is_current, poll.unanswered = pod.uid, pod.node, False, 0
            poll.answered_at, poll.answered = now, datetime.now(UTC)
        poll.asked_at, poll.is_news, poll.is_awaited = now, True, False
        if isinstance(answer, NoAnswer):
            self.failures.record(pod.node, now)
            poll.silent_from = asked_from if poll.unanswered == 0 else poll.silent_from
            poll.unanswered, poll.no_answer = poll.unanswered + 1, answer
        else:
            self.answers.record(pod.node, now)
            poll.status, poll.is_current, poll.unanswered = answer, True, 0
            poll.answered_at, poll.answered = now, datetime.now(UTC)

    def pause(self, key: JobKey) -> None:
        """Note that a job's coordinator is not asked regularly any more: others may be asked more often."""
        self.rate.discard(key)

    def discard(self, key: JobKey) -> None:
        """Forget a job's coordinator, and ask it no more."""
        poll = self.polls.pop(key, None)
        self.pause(key)
        if poll is not None and poll.timer is not None:
            poll.timer.cancel()
