"""The stores in which the ranks meet, reachable only for processes that know the job's token.

torch's TCPStore has no authentication: anything that reaches its port reads and changes what the ranks exchange, and so
directs them to itself. Therefore the store of a rank listens on the loopback interface alone. Peers reach it through two
proxies, one in each process, that prove to each other that they know the token before they forward anything:

    TCPStore client -> proxy of its process -> [pod network] -> proxy of the first member -> TCPStore

The accepting proxy sends a challenge; the other one answers with a challenge of its own and the HMAC of both; the first
one answers with another HMAC of both. The token itself is never sent.
"""

import asyncio
import contextlib
import hmac
import secrets
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, TypeVar

from torch._C import _distributed_c10d as c10d

from llmtrain_api.protocol import Member
from llmtrain_trainer.errors import CollectiveFailed, GenerationEnded
from llmtrain_trainer.outcomes import error_summary

CHALLENGE_BYTES, PROOF_BYTES = 32, 32
HANDSHAKE_SECONDS = 5.0
"""How long a process that connects has to prove that it knows the token."""
MAX_STRANGERS = 1100
"""Connections without a proof so far, of which the oldest are closed: all ranks of a large job can connect at once."""
CHUNK_BYTES = 2**16
HOSTS_FILE = "/etc/hosts"
POLL_SECONDS = 0.0005

T = TypeVar("T")
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ERRORS = (OSError, TimeoutError, EOFError)
"""Errors of a connection that cannot be made, is lost, or does not prove that it knows the token."""


class GuardedStore:
    """The store of this rank, and connections to those of other ranks. `address` is that of this rank for its peers.

    A thread forwards in the background, for as long as the process lives.
    """

    def __init__(self, address: str, token: str) -> None:
        self.token = token.encode()
        """The token of the job, which peers must know."""
        self._loopback, family = loopback()
        listener = socket.create_server((self._loopback, 0), family=family)
        self._inner_port = listener.getsockname()[1]
        self.own = c10d.TCPStore(
            self._loopback,
            self._inner_port,
            is_master=True,
            wait_for_workers=False,
            use_libuv=False,
            master_listen_fd=listener.detach(),
        )
        """The store that serves the generations in which this rank is the first member."""
        self._strangers: dict[asyncio.Task[None], None] = {}
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="store-proxy", daemon=True).start()
        server = self._call(asyncio.start_server(self._accept, address, 0))
        self.port: int = server.sockets[0].getsockname()[1]
        """The port at which peers reach the store."""

    def connect(
        self,
        member: Member,
        *,
        timeout_seconds: float,
        is_broken: Callable[[], bool],
        ping_watchdog: Callable[[], None],
    ) -> c10d.TCPStore:
        """Return a client of another member's store. GenerationEnded if it cannot be reached, or a member is lost."""
        ready: list[Connection] = []
        first = asyncio.run_coroutine_threadsafe(self._dial_into(ready, member), self._loop)
        try:
            self._wait_for(first, member, timeout_seconds, is_broken, ping_watchdog)
            return self._client(self._call(self._listen(member, ready)), timeout_seconds)
        except BaseException:
            # The cancellation runs before this: the connection is ready by then, or closed by _dial.
            first.cancel()
            self._loop.call_soon_threadsafe(close_all, ready)
            raise

    def _wait_for(
        self,
        first: Future[None],
        member: Member,
        timeout_seconds: float,
        is_broken: Callable[[], bool],
        ping_watchdog: Callable[[], None],
    ) -> None:
        """Wait for the first connection to a member. GenerationEnded if it cannot be made, or a member is lost."""
        deadline = time.monotonic() + timeout_seconds
        while not first.done():
            ping_watchdog()
            if is_broken():
                raise GenerationEnded("a member is lost")
            if time.monotonic() > deadline:
                raise CollectiveFailed(_unreachable(member, f"no answer within {timeout_seconds:.0f} s"))
            time.sleep(POLL_SECONDS)
        try:
            first.result()
        except ERRORS as error:
            raise CollectiveFailed(_unreachable(member, error_summary(error))) from error

    def connect_to_own(self, *, timeout_seconds: float) -> c10d.TCPStore:
        """Return another client of this rank's own store: one client serves one thread at a time."""
        return self._client(self._inner_port, timeout_seconds)

    def _client(self, port: int, timeout_seconds: float) -> c10d.TCPStore:
        return c10d.TCPStore(
            self._loopback,
            port,
            is_master=False,
            wait_for_workers=False,
            use_libuv=False,
            timeout=timedelta(seconds=timeout_seconds),
        )

    async def _listen(self, member: Member, ready: list[Connection]) -> int:
        """Forward connections from a new port to the store of `member`, the first one over the connection in `ready`.

        The port is closed when a connection ends, as they do with the generation.
        """

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                peer = ready.pop() if ready else await self._dial(member)
            except ERRORS:
                writer.close()
                return
            await splice((reader, writer), peer)
            server.close()

        server = await asyncio.start_server(forward, self._loopback, 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _dial_into(self, ready: list[Connection], member: Member) -> None:
        ready.append(await self._dial(member))

    async def _dial(self, member: Member) -> Connection:
        """Return a connection to the proxy of `member`. An error of ERRORS if there is none, or not that of the job."""
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            reader, writer = await asyncio.open_connection(member.address, member.store_port)
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                challenge = await reader.readexactly(CHALLENGE_BYTES)
                own_challenge = secrets.token_bytes(CHALLENGE_BYTES)
                writer.write(own_challenge + self._proof(b"connecting", challenge, own_challenge))
                await self._verify(reader, b"accepting", challenge, own_challenge)
        except (*ERRORS, asyncio.CancelledError):
            writer.close()
            raise
        return reader, writer

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a connection to the store of this rank, once it has proved that it knows the token."""
        this_task = asyncio.current_task()
        assert this_task is not None
        self._strangers[this_task] = None
        if len(self._strangers) > MAX_STRANGERS:
            next(iter(self._strangers)).cancel()
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                challenge = secrets.token_bytes(CHALLENGE_BYTES)
                writer.write(challenge)
                own_challenge = await reader.readexactly(CHALLENGE_BYTES)
                await self._verify(reader, b"connecting", challenge, own_challenge)
                writer.write(self._proof(b"accepting", challenge, own_challenge))
            store = await asyncio.open_connection(self._loopback, self._inner_port)
        except (*ERRORS, asyncio.CancelledError):
            writer.close()
            return
        finally:
            del self._strangers[this_task]
        await splice((reader, writer), store)

    def _proof(self, side: bytes, challenge: bytes, own_challenge: bytes) -> bytes:
        return hmac.digest(self.token, b"llmtrain store " + side + challenge + own_challenge, "sha256")

    async def _verify(self, reader: asyncio.StreamReader, side: bytes, challenge: bytes, own_challenge: bytes) -> None:
        """Read the proof of the other side. ConnectionRefusedError if it is wrong."""
        if not hmac.compare_digest(await reader.readexactly(PROOF_BYTES), self._proof(side, challenge, own_challenge)):
            raise ConnectionRefusedError("the other side does not know the token of the job")

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


def loopback() -> tuple[str, socket.AddressFamily]:
    """Return the address of the loopback interface for a TCPStore, and its family.

    Before it connects, torch looks up the name of the address (`getnameinfo`), in IPv6's notation. /etc/hosts names ::1
    where the kubelet writes it; for 127.0.0.1, or without such a line, each connection would wait for the DNS server.
    """
    with contextlib.suppress(OSError), open(HOSTS_FILE) as hosts:
        if any(line.split()[:1] == ["::1"] for line in hosts):
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
            return "::1", socket.AF_INET6
    return "127.0.0.1", socket.AF_INET


async def splice(one: Connection, other: Connection) -> None:
    """Forward both ways between two connections until either ends, then close both."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(forward(one[0], other[1]))
            group.create_task(forward(other[0], one[1]))
    finally:
        one[1].close()
        other[1].close()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Forward one direction until it ends."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


def close_all(connections: list[Connection]) -> None:
    """Close connections that nothing reads any more."""
    for _, writer in connections:
        writer.close()


def _unreachable(member: Member, cause: str) -> str:
    return f"the store of the first member at {member.address}:{member.store_port} can't be reached: {cause}"
