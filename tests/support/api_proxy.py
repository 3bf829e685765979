"""A proxy between operators and an API server, which counts and records writes and can interfere with every call."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from support.operator_processes import Operator
from support.ports import free_port

CLUSTER_WIDE = (
    "pods",
    "persistentvolumeclaims",
    "services",
    "configmaps",
    "podgroups",
    "llmtrainingjobs",
    "networkpolicies",
    "resourcequotas",
)
"""Resources that the operator lists in all namespaces."""
NAMED = ("llmclusters", "namespaces")
"""Resources of which it lists all objects."""
JSON = "application/json"
HEADERS = ("Content-Type", "Retry-After")
"""Headers of the API server's answers that the operator gets."""
CUT = web.Response(status=599)
"""In place of an answer: the connection is closed."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request of an operator."""

    method: str
    path: str
    query: Mapping[str, str]
    plural: str
    scope: str
    """The namespace of the object, or the name of one that has none."""
    number: int
    """The how many-th write of its scope it is, without those of Leases; 0 for other requests."""

    @property
    def is_watch(self) -> bool:
        """Whether the answer is a stream of events."""
        return "watch" in self.query

    @property
    def is_list(self) -> bool:
        """Whether the answer is a list of objects."""
        return self.method == "GET" and not self.is_watch and self.path.endswith(f"/{self.plural}")


@dataclass(frozen=True, kw_only=True)
class Write:
    """A write that the API server has answered."""

    method: str
    plural: str
    name: str
    status: int


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What the operator gets for one event of a watch."""

    lines: tuple[bytes, ...]
    cut: bool = False
    """Whether the connection is closed then."""


class Interference:
    """Lets everything pass; subclasses change some of it."""

    operator: Operator | None = None
    """The operator that runs now, if there is only one."""

    async def before(self, call: Call) -> web.Response | None:
        """Return an answer in place of the API server's; None if the request is passed on."""
        return None

    async def after(self, call: Call, answer: web.Response) -> web.Response:
        """Return what the operator gets for an answer of the API server."""
        return answer

    async def event(self, call: Call, line: bytes) -> Delivery:
        """Return what the operator gets for an event of a watch."""
        return Delivery(lines=(line,))


class ApiProxy:
    """Passes the requests of operators on, and what `interference` leaves of the answers back."""

    def __init__(self, upstream: aiohttp.ClientSession, interference: Interference, namespace: str = "") -> None:
        """Operators see only the objects of `namespace`, unless it is empty, and the LLMCluster of that name."""
        self.upstream, self.interference, self.namespace = upstream, interference, namespace
        self.writes: dict[str, list[Write]] = defaultdict(list)
        """Answered writes, by scope."""
        self.numbers: dict[str, int] = defaultdict(int)
        self.requests = 0
        self.url = ""
        self._forwards: set[asyncio.Task[web.Response]] = set()
        """Requests that the API server has not answered yet. Those of killed operators are completed too."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ApiProxy"]:
        """Listen inside the context."""
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self.handle)
        logger = logging.getLogger("proxy")
        logger.setLevel(logging.CRITICAL)  # of operators that are killed, it reports lost connections
        runner = web.AppRunner(app, logger=logger, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()
            await asyncio.gather(*self._forwards, return_exceptions=True)  # none may open a connection after the test

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        call = self.call_of(request)
        self.requests += 1
        if (answer := await self.interference.before(call)) is None:
            if call.is_watch:
                return await self.watch(request, call)
            body = await request.read()
            # A write that the API server has got is recorded, even if the operator is gone by then.
            forward = asyncio.create_task(self.forward(request, call, body))
            self._forwards.add(forward)
            forward.add_done_callback(self._forwards.discard)
            answer = await self.interference.after(call, await asyncio.shield(forward))
        if answer is CUT:
            return cut(request)
        return answer

    def call_of(self, request: web.Request) -> Call:
        """Return a request, with the number of the write that it is."""
        parts = request.path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace, rest = (rest[1], rest[2:]) if rest[:1] == ["namespaces"] and len(rest) > 2 else ("", rest)
        plural, name = (*rest, "", "")[:2]
        scope = namespace or name
        number = 0
        if request.method != "GET" and plural != "leases":
            number = self.numbers[scope] = self.numbers[scope] + 1
        return Call(
            method=request.method,
            path=request.path,
            query=request.query,
            plural=plural,
            scope=scope,
            number=number,
        )

    def target(self, request: web.Request, call: Call) -> tuple[str, dict[str, str]]:
        """Return the path and the query to ask the API server for: only what operators may see."""
        path, query = call.path, dict(call.query)
        if self.namespace and request.method == "GET" and path.endswith(f"/{call.plural}") and not call.scope:
            if call.plural in CLUSTER_WIDE:
                path = path.removesuffix(call.plural) + f"namespaces/{self.namespace}/{call.plural}"
            elif call.plural in NAMED:
                query["fieldSelector"] = f"metadata.name={self.namespace}"
        return path, query

    async def forward(self, request: web.Request, call: Call, body: bytes) -> web.Response:
        """Return the API server's answer."""
        path, query = self.target(request, call)
        headers = {name: request.headers.get(name, JSON) for name in ("Accept", "Content-Type")}
        async with self.upstream.request(request.method, path, params=query, data=body, headers=headers) as response:
            data = await response.read()
        if call.number:
            self.writes[call.scope].append(
                Write(method=call.method, plural=call.plural, name=name_in(call, data), status=response.status)
            )
        kept = {name: response.headers[name] for name in HEADERS if name in response.headers}
        return web.Response(status=response.status, body=data, headers=kept)

    async def watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Pass the events of a watch on until one of the sides ends it."""
        path, query = self.target(request, call)
        response = web.StreamResponse()
        with suppress(aiohttp.ClientError):
            headers = {"Accept": request.headers.get("Accept", JSON)}
            async with self.upstream.get(path, params=query, headers=headers) as events:
                if events.status >= 400:
                    return web.Response(status=events.status, body=await events.read())
                await response.prepare(request)
                async for line in events.content:
                    delivery = await self.interference.event(call, line)
                    for each in delivery.lines:
                        await response.write(each)
                    if delivery.cut:
                        return cut(request)
        return response


def cut(request: web.Request) -> web.Response:
    """Close the connection of a request."""
    if request.transport is not None:
        request.transport.abort()
    return CUT


def name_in(call: Call, data: bytes) -> str:
    """Return the name of the object that a write was about."""
    tail = call.path.partition(f"/{call.plural}/")[2]
    if tail:
        return tail
    try:
        return str(json.loads(data)["metadata"]["name"])
    except (ValueError, KeyError, TypeError):
        return ""


def status_answer(code: int, reason: str, message: str, **headers: str) -> web.Response:
    """Return an error as the API server words it."""
    body: dict[str, Any] = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return web.json_response(body, status=code, headers=headers)
