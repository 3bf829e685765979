"""The real coordinator of one job, served by a thread of the test's process."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from llmtrain_api.protocol import CoordinatorStatus, Join, Leave, LeaveReason
from llmtrain_coordinator.goodput import Goodput
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.http_messages import JobIdentity
from llmtrain_coordinator.server import Coordinator
from support.polling import eventually

UID, TOKEN = "uid", "0123456789abcdef" * 4
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalCoordinator:
    """A coordinator that records the messages about its membership. Its clock stands still, so no lease expires."""

    def __init__(self, *, workers: int, term: int) -> None:
        self.joins: list[Join] = []
        self.leaves: list[Leave] = []
        self.address = ""
        self._workers, self._term = workers, term
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="coordinator")

    @property
    def leave_reasons(self) -> list[LeaveReason]:
        """Return why ranks have left, in order."""
        return [leave.reason for leave in self.leaves]

    def status(self) -> CoordinatorStatus:
        """Return the job's status."""
        return self._coordinator.group.status()

    def start(self) -> None:
        """Serve on a free port of the loopback interface."""
        self._thread.start()
        eventually(lambda: self._started.is_set() or not self._thread.is_alive(), "the coordinator starts")
        assert self._thread.is_alive(), "the coordinator failed to start"

    def stop(self) -> None:
        """Wait until no rank sends heartbeats, then close all connections and end the thread."""
        eventually(lambda: "heartbeat" not in {thread.name for thread in threading.enumerate()}, "the heartbeats end")
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self._coordinator = Coordinator(
            JobIdentity(namespace="local", name="test", uid=UID, token=TOKEN),
            GroupState(workers=self._workers, ranks_per_worker=1, term=self._term),
            Goodput(),
            clock=lambda: 0.0,
        )
        application = self._coordinator.application()
        application.middlewares.append(self._record)
        runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = f"127.0.0.1:{runner.addresses[0][1]}"
        self._started.set()
        await self._stopped.wait()
        await runner.cleanup()

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/v1/join":
            self.joins.append(Join.model_validate_json(await request.read()))
        if request.path == "/v1/leave":
            self.leaves.append(Leave.model_validate_json(await request.read()))
        return await handler(request)


@contextmanager
def serving(*, workers: int = 1, term: int = 1) -> Iterator[LocalCoordinator]:
    """Yield a running coordinator of a job with that many workers of one rank."""
    coordinator = LocalCoordinator(workers=workers, term=term)
    coordinator.start()
    try:
        yield coordinator
    finally:
        coordinator.stop()
