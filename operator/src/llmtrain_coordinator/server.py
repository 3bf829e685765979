"""The coordinator's HTTP server: applies transitions.py to the messages that it gets, and answers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from llmtrain_api.events import CoordinatorEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.model import Message
from llmtrain_api.protocol import (
    JOIN_LONG_POLL_SECONDS,
    LEASE_SECONDS,
    CoordinatorStatus,
    CurrentGeneration,
    DesiredWorkers,
    Heartbeat,
    Join,
    JoinPending,
    Leave,
    Membership,
    Progress,
    heartbeat_seconds,
)
from llmtrain_api.timestamps import now_rfc3339
from llmtrain_coordinator import generations, goodput, recovery_log, transitions
from llmtrain_coordinator.connections import Connections
from llmtrain_coordinator.goodput import Goodput
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.http_messages import (
    MAX_MESSAGE_BYTES,
    JobIdentity,
    authorize,
    error_middleware,
    error_response,
    read,
    response,
    serialise,
)
from llmtrain_coordinator.leases import Leases
from llmtrain_coordinator.long_polls import LongPolls
from llmtrain_coordinator.recovery_log import RecoveryLog
from llmtrain_coordinator.scrapes import Scrapes
from llmtrain_coordinator.snapshot import CoordinatorSnapshot
from llmtrain_coordinator.transitions import Rejection, Transition

CHECK_INTERVAL_SECONDS = 0.1
"""How often leases and connections are checked."""
RESPONSE_SECONDS = 0.1
"""How long the response to the last scrape can take to be written."""


class Coordinator:
    """Holds the group state of one job; every change passes through `_apply`."""

    def __init__(
        self,
        job: JobIdentity,
        group: GroupState,
        goodput: Goodput,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        join_poll_seconds: float = JOIN_LONG_POLL_SECONDS,
    ) -> None:
        self.job, self.group, self.goodput, self.recovery_log = job, group, goodput, RecoveryLog()
        self._clock, self._wall_clock, self._join_poll_seconds = clock, wall_clock, join_poll_seconds
        self._compute_seconds: dict[str, float] = {}
        self._leases, self._connections, self._long_polls = Leases(), Connections(), LongPolls()
        self._serialised: tuple[Membership, bytes] | None = None
        self._clock_offset_ms = 0
        """How far the operator's clock is ahead of this process's."""
        self._log = JsonLog(fields={"job": job.name, "namespace": job.namespace})
        self._scrapes, self._next_scrape, self._ended = Scrapes(), asyncio.Event(), False
        self._closing = False

    def application(self) -> web.Application:
        """Return the web application. Serve it with `handler_cancellation`, which detects a broken join at once."""
        application = web.Application(
            middlewares=[error_middleware, authorize(self.job)], client_max_size=MAX_MESSAGE_BYTES
        )
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
        application.cleanup_ctx.append(self._check_periodically)
        application.on_shutdown.append(self._close)
        return application

    async def join(self, request: web.Request) -> web.Response:
        """Rendezvous: answer with the membership as soon as it is complete."""
        message = await read(request, Join)
        if message.term > self.group.term:  # fencing: a newer coordinator exists
            return error_response(503, f"A coordinator of term {message.term} has taken over from this one.")
        incarnation = message.member.incarnation
        self._connections.forget(incarnation)
        self._leases.renew(incarnation, self._clock())
        answer = self._apply(transitions.join(self.group, message)).answer
        if not isinstance(answer, JoinPending):
            return self._join_response(answer)
        async with self._member_connection(incarnation):
            held = await self._long_polls.hold_join(incarnation, self._join_poll_seconds)
        self._leases.renew(incarnation, self._clock())
        return self._join_response(held or self.group.join_pending())

    async def heartbeat(self, request: web.Request) -> web.Response:
        """Renew a lease; answer when the member's generation ends, or when the next heartbeat is due."""
        message, now = await read(request, Heartbeat), self._clock()
        incarnation = message.member.incarnation
        self._leases.renew(incarnation, now)
        self._connections.track(incarnation, request.transport)
        if message.compute_seconds is not None:
            self._compute_seconds[incarnation] = message.compute_seconds
        answer = self._apply(transitions.heartbeat(self.group, message, now_seconds=now)).answer
        if answer == CurrentGeneration(generation=message.generation):
            async with self._member_connection(incarnation):
                await self._long_polls.hold_heartbeat(heartbeat_seconds(message.ranks))
        return response(self.group.current_generation())

    async def progress(self, request: web.Request) -> web.Response:
        """Record how far the training is."""
        message = await read(request, Progress)
        transition = transitions.progress(self.group, message, now_seconds=self._clock(), time=now_rfc3339())
        return response(self._apply(transition).answer)

    async def leave(self, request: web.Request) -> web.Response:
        """Remove a member that leaves, or that its supervisor reports as failed."""
        message = await read(request, Leave)
        self._connections.forget(message.incarnation)
        answer = self._apply(transitions.leave(self.group, message)).answer
        self.recovery_log = recovery_log.record_failure(self.recovery_log, message)
        return response(answer)

    async def workers(self, request: web.Request) -> web.Response:
        """Scale the job, and continue from the operator's ledger where that is ahead."""
        message = await read(request, DesiredWorkers)
        if message.now_ms is not None:
            self._clock_offset_ms += message.now_ms - self._now_ms()
        self.goodput = goodput.adopt(self.goodput, message.ledger, step=message.step)
        self._apply(transitions.scale(self.group, message))
        return response(self._status())

    async def status(self, request: web.Request) -> web.Response:
        """Return the job's status."""
        return response(self._status())

    async def metrics(self, request: web.Request) -> web.Response:
        """Return the metrics in Prometheus' text format."""
        # Imported at the first scrape: the ranks wait for this server to start, Prometheus does not.
        from llmtrain_coordinator.metrics import JobCollector, exposition

        self._scrapes = self._scrapes.scraped(self._clock())
        self._next_scrape.set()
        collector = JobCollector(self.snapshot(), self.job_labels)
        return web.Response(body=exposition(collector), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def last_scrape(self) -> None:
        """If the job has been trained, wait until its last figures have been scraped, or no scrape comes."""
        if self.group.status().state != "Finished":
            return
        self._ended = True
        self._next_scrape.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._next_scrape.wait(), self._scrapes.wait_seconds(self._clock()))
            await asyncio.sleep(RESPONSE_SECONDS)

    async def health(self, request: web.Request) -> web.Response:
        """Answer the kubelet's probe: the server is running."""
        return web.Response(text="ok\n")

    def snapshot(self) -> CoordinatorSnapshot:
        """Return what the metrics are computed from. Safe to call from another thread."""
        return CoordinatorSnapshot(
            group=self.group,
            recovery_log=self.recovery_log,
            ledger=self.goodput.exported_ledger,
            compute_seconds=dict(self._compute_seconds),
        )

    @property
    def job_labels(self) -> tuple[str, str]:
        """Return namespace and name of the job."""
        return self.job.namespace, self.job.name

    def check_leases(self) -> None:
        """Remove members whose lease has expired or whose connection is closed. A held join renews its lease.

        A member that was asked to join the next generation opens a new connection for that, so its lease counts.
        """
        for incarnation in self._connections.closed():
            if not generations.is_between(self.group, incarnation):
                self._apply(transitions.disconnect(self.group, incarnation))
        now = self._clock()
        for incarnation in self._long_polls.joining():
            self._leases.renew(incarnation, now)
        expired = self._leases.expired(self.group.members, now)
        self._apply(transitions.expire(self.group, expired, now_seconds=now))
        members = self.group.members
        self._compute_seconds = {name: took for name, took in self._compute_seconds.items() if name in members}
        for incarnation in expired:
            lost = Leave(incarnation=incarnation, reason="Failed", unresponsive_seconds=LEASE_SECONDS)
            self.recovery_log = recovery_log.record_failure(self.recovery_log, lost)

    def _apply(self, transition: Transition) -> Transition:
        """Store the transition's state, write its log entries and answer the requests that it settles."""
        before, self.group = self.group, transition.group
        self.goodput = goodput.on_group_change(self.goodput, before, self.group, now_ms=self._now_ms())
        self.recovery_log = recovery_log.on_group_change(
            self.recovery_log,
            before,
            self.group,
            now_seconds=self._clock(),
            time=now_rfc3339(),
            no_progress=self.goodput.no_progress,
        )
        for entry in transition.entries:
            self._log.info(entry.event, **entry.fields)
        if any(entry.event != CoordinatorEvent.MEMBER_JOINED for entry in transition.entries):
            self._long_polls.answer_joins(self.group)
        if self.group.current_generation() != before.current_generation():
            self._long_polls.answer_heartbeats()
        return transition

    @contextlib.asynccontextmanager
    async def _member_connection(self, incarnation: str) -> AsyncIterator[None]:
        """Wait while a process holds its connection open; if the connection closes, the process has failed."""
        try:
            yield
        except asyncio.CancelledError:
            if not self._closing:
                self._apply(transitions.disconnect(self.group, incarnation))
            raise

    def _join_response(self, answer: Message | Rejection) -> web.Response:
        """Return the answer to a join. A membership is serialised once for all its members, whom it has hundreds of."""
        if not isinstance(answer, Membership):
            return response(answer)
        if self._serialised is None or self._serialised[0] is not answer:
            self._serialised = answer, serialise(answer)
        return web.Response(body=self._serialised[1], content_type="application/json")

    def _now_ms(self) -> int:
        return int(self._wall_clock() * 1000) + self._clock_offset_ms

    def _status(self) -> CoordinatorStatus:
        return self.group.status().model_copy(
            update={"recoveries": list(self.recovery_log.newest), "ledger": self.goodput.ledger}
        )

    async def _check_periodically(self, application: web.Application) -> AsyncIterator[None]:
        async def loop() -> None:
            while True:
                await asyncio.sleep(CHECK_INTERVAL_SECONDS)
                if not self._ended:
                    self.check_leases()

        task = asyncio.create_task(loop())
        yield
        task.cancel()

    async def _close(self, _: web.Application) -> None:
        """Before held requests are cancelled: their members are not lost, this coordinator is leaving them."""
        self._closing = True
