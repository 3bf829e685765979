"""The coordinator over HTTP: reads messages, asks generation.py what follows, and answers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

from llmtrain_api.model import Message
from llmtrain_api.protocol import (
    HEARTBEAT_SECONDS,
    JOB_HEADER,
    JOIN_LONG_POLL_SECONDS,
    LEASE_SECONDS,
    CoordinatorStatus,
    CurrentGeneration,
    DesiredWorkers,
    Heartbeat,
    Join,
    JoinPending,
    Leave,
    Progress,
)
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_coordinator import goodput, log, recovery_log, transitions
from llmtrain_coordinator.connections import Connections
from llmtrain_coordinator.goodput import Goodput
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.leases import Leases
from llmtrain_coordinator.long_polls import LongPolls
from llmtrain_coordinator.recovery_log import RecoveryLog
from llmtrain_coordinator.snapshot import CoordinatorSnapshot
from llmtrain_coordinator.transitions import Rejection, Transition

MOST_BYTES = 2**20
"""Longest message that is read."""
CHECK_INTERVAL_SECONDS = 0.1
"""How often leases and connections are looked at."""
OPEN_PATHS = frozenset({"/metrics", "/healthz"})
"""What Prometheus and the kubelet ask for, without the job's header."""

MessageT = TypeVar("MessageT", bound=Message)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Coordinator:
    """Holds the roster of one job; every change passes through `_follow`."""

    def __init__(
        self,
        *,
        namespace: str,
        job: str,
        uid: str,
        workers: int,
        ranks_per_worker: int,
        min_workers: int = 1,
        term: int = 0,
        account: TimeLedger | None = None,
        no_progress: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        join_poll_seconds: float = JOIN_LONG_POLL_SECONDS,
    ) -> None:
        self.roster = GroupState(workers=workers, ranks_per_worker=ranks_per_worker, min_workers=min_workers, term=term)
        self.ledger, self.goodput = RecoveryLog(), Goodput(account=account, no_progress=no_progress)
        self._namespace, self._job, self._uid = namespace, job, uid
        self._clock, self._wall, self._join_poll_seconds = clock, wall_clock, join_poll_seconds
        self._work_seconds: dict[str, float] = {}
        self._leases, self._lines, self._polls = Leases(), Connections(), LongPolls()
        self._offset_ms = 0
        """How far the operator's clock is ahead of ours."""
        self._closing = False

    def application(self) -> web.Application:
        """Return the web application. Serve it with `handler_cancellation`, so that a broken join is let go at once."""
        application = web.Application(middlewares=[error_middleware, self._check_job_uid], client_max_size=MOST_BYTES)
        application.add_routes(
            [
                web.post("/v1/join", self.join),
                web.post("/v1/heartbeat", self.heartbeat),
                web.post("/v1/progress", self.progress),
                web.post("/v1/leave", self.leave),
                web.put("/v1/workers", self.workers),
                web.get("/v1/status", self.status),
                web.get("/metrics", self.metrics),
                web.get("/healthz", self.health),
            ]
        )
        application.cleanup_ctx.append(self._look_at_leases)
        return application

    async def join(self, request: web.Request) -> web.Response:
        """Answer with the membership as soon as it is complete."""
        message = await read(request, Join)
        if message.term > self.roster.term:
            return refusal(503, f"A coordinator of term {message.term} has taken over from this one.")
        incarnation = message.member.incarnation
        self._lines.forget(incarnation)
        self._leases.renew(incarnation, self._clock())
        answer = self._apply(transitions.join(self.roster, message)).answer
        if not isinstance(answer, JoinPending):
            return reply(answer)
        async with self._member_connection(incarnation):
            held = await self._polls.hold(incarnation, self._join_poll_seconds)
        self._leases.renew(incarnation, self._clock())
        return reply(held or self.roster.waiting())

    async def heartbeat(self, request: web.Request) -> web.Response:
        """Renew a lease; answer when the member's generation ends, or when the next heartbeat is due."""
        message, now = await read(request, Heartbeat), self._clock()
        incarnation = message.member.incarnation
        self._leases.renew(incarnation, now)
        self._lines.note(incarnation, request.transport)
        if message.compute_seconds is not None:
            self._work_seconds[incarnation] = message.compute_seconds
        answer = self._apply(transitions.heartbeat(self.roster, message, now_seconds=now)).answer
        if answer == CurrentGeneration(generation=message.generation):
            async with self._member_connection(incarnation):
                await self._polls.sleep(HEARTBEAT_SECONDS)
        return reply(self.roster.generation())

    async def progress(self, request: web.Request) -> web.Response:
        """Note how far the training is."""
        message = await read(request, Progress)
        turn = transitions.progress(self.roster, message, now_seconds=self._clock(), time=log.now())
        return reply(self._apply(turn).answer)

    async def leave(self, request: web.Request) -> web.Response:
        """Let a member go."""
        message = await read(request, Leave)
        self._lines.forget(message.incarnation)
        answer = self._apply(transitions.leave(self.roster, message)).answer
        self.ledger = recovery_log.record_failure(self.ledger, message)
        return reply(answer)

    async def workers(self, request: web.Request) -> web.Response:
        """Change the number of workers."""
        message = await read(request, DesiredWorkers)
        if message.now_ms is not None:
            self._offset_ms += message.now_ms - self._now_ms()
        self.goodput = goodput.adopt(self.goodput, message.ledger, step=message.step)
        self._apply(transitions.scale(self.roster, message))
        return reply(self._status())

    async def status(self, request: web.Request) -> web.Response:
        """Say what is known."""
        return reply(self._status())

    async def metrics(self, request: web.Request) -> web.Response:
        """Say it to Prometheus."""
        # Imported when first asked for: the training waits for this server, Prometheus does not.
        from llmtrain_coordinator.metrics import JobCollector, exposition

        collector = JobCollector(self.known(), self.labels)
        return web.Response(body=exposition(collector), headers={"Content-Type": "text/plain; version=0.0.4"})

    def known(self) -> CoordinatorSnapshot:
        """Return all that metrics are read off; another thread may ask."""
        return CoordinatorSnapshot(
            roster=self.roster,
            ledger=self.ledger,
            account=self.goodput.counted,
            work_seconds=dict(self._work_seconds),
        )

    @property
    def labels(self) -> tuple[str, str]:
        """Return namespace and name of the job."""
        return self._namespace, self._job

    async def health(self, request: web.Request) -> web.Response:
        """Say that this process serves."""
        return web.Response(text="ok\n")

    @contextlib.asynccontextmanager
    async def _member_connection(self, incarnation: str) -> AsyncIterator[None]:
        """Wait for something while a process holds its connection open; if that closes, the process is dead."""
        try:
            yield
        except asyncio.CancelledError:
            if not self._closing:
                self._apply(transitions.disconnect(self.roster, incarnation))
            raise

    def check_leases(self) -> None:
        """Take for dead whoever has been silent for too long. Whoever holds a join open is not silent."""
        for incarnation in self._lines.closed():
            self._apply(transitions.disconnect(self.roster, incarnation))
        now = self._clock()
        for incarnation in self._polls.open():
            self._leases.renew(incarnation, now)
        silent = self._leases.silent(self.roster.seats, now)
        self._apply(transitions.expire(self.roster, silent, now_seconds=now))
        self._work_seconds = {name: took for name, took in self._work_seconds.items() if name in self.roster.seats}
        for incarnation in silent:
            lost = Leave(incarnation=incarnation, reason="Failed", unresponsive_seconds=LEASE_SECONDS)
            self.ledger = recovery_log.record_failure(self.ledger, lost)

    def _apply(self, turn: Transition) -> Transition:
        """Take the turn's roster as ours, log what happened and answer the joins that it settles."""
        former, self.roster = self.roster, turn.roster
        self.goodput = goodput.on_group_change(self.goodput, former, turn.roster, now_ms=self._now_ms())
        self.ledger = recovery_log.on_group_change(
            self.ledger,
            former,
            turn.roster,
            now_seconds=self._clock(),
            time=log.now(),
            no_progress=self.goodput.no_progress,
        )
        for event in turn.events:
            log.write(event.name, {"job": self._job, "namespace": self._namespace, **event.fields})
        if any(event.name != "joined" for event in turn.events):
            self._polls.answer(self.roster)
        if self.roster.generation() != former.generation():
            self._polls.wake()
        return turn

    def _now_ms(self) -> int:
        return int(self._wall() * 1000) + self._offset_ms

    def _status(self) -> CoordinatorStatus:
        return self.roster.status().model_copy(
            update={"recoveries": list(self.ledger.newest), "ledger": self.goodput.account}
        )

    async def _look_at_leases(self, application: web.Application) -> AsyncIterator[None]:
        async def look_for_ever() -> None:
            while True:
                await asyncio.sleep(CHECK_INTERVAL_SECONDS)
                self.check_leases()

        task = asyncio.create_task(look_for_ever())
        yield
        self._closing = True
        task.cancel()

    @web.middleware
    async def _check_job_uid(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 403 to whoever belongs to another job, such as a deleted one of the same name."""
        if request.path not in OPEN_PATHS and request.headers.get(JOB_HEADER) != self._uid:
            sentence = (
                f"This coordinator serves job {self._namespace}/{self._job} with another uid: see header {JOB_HEADER}."
            )
            return refusal(403, sentence)
        return await handler(request)


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into JSON with one sentence."""
    try:
        return await handler(request)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return refusal(400, f"{where}: {first['msg']}" if where else str(first["msg"]))
    except web.HTTPRequestEntityTooLarge:
        return refusal(413, f"A message has at most {MOST_BYTES} bytes.")
    except web.HTTPException as error:
        return refusal(error.status, f"{request.method} {request.path}: {error.reason}.")


async def read(request: web.Request, message: type[MessageT]) -> MessageT:
    """Return the message in the body."""
    return message.model_validate_json(await request.read())


def reply(answer: Message | Rejection) -> web.Response:
    """Return an answer as JSON."""
    if isinstance(answer, Rejection):
        return refusal(410 if answer.not_wanted else 409, answer.sentence)
    return web.Response(text=answer.model_dump_json(by_alias=True, exclude_none=True), content_type="application/json")


def refusal(status: int, sentence: str) -> web.Response:
    """Return an error as JSON."""
    return web.json_response({"error": sentence}, status=status)
