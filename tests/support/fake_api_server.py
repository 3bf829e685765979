"""An API server with the little that the operator needs: lists, watches, statuses and Leases; its watches can fail."""

import asyncio
import json
from collections import defaultdict
from typing import Any

from aiohttp import web

GROUPS = ("apiextensions.k8s.io/v1", "coordination.k8s.io/v1", "llmtrain.dev/v1alpha1")
SCANNED = {
    "/api/v1": [("namespaces", "Namespace")],
    "/apis/apiextensions.k8s.io/v1": [("customresourcedefinitions", "CustomResourceDefinition")],
}
"""What kopf looks up when it starts."""


class FakeApiServer:
    """Objects by plural and by (namespace, name), and the watches of each plural."""

    def __init__(self) -> None:
        self.version = 10
        self.objects: dict[str, dict[tuple[str, str], Any]] = defaultdict(dict)
        self.watches: dict[str, list[asyncio.Queue[bytes | None]]] = defaultdict(list)
        self.gone = False
        """Whether every new watch is refused as too old."""
        self.lists: list[str] = []
        self.peers: dict[str, set[Any]] = defaultdict(set)
        """The clients' ends of the connections that requests for a resource came over, by plural."""

    def app(self) -> web.Application:
        """Return the server as an application."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    def put(self, plural: str, obj: Any, *, silent: bool = False) -> Any:
        """Store an object as its newest version; send it to all watches unless `silent`."""
        self.version += 1
        metadata = {"namespace": "", **obj["metadata"], "resourceVersion": str(self.version)}
        metadata.setdefault("name", f"{metadata.get('generateName', '')}{self.version}")
        metadata.setdefault("uid", f"uid-of-{metadata['name']}")
        obj = {**obj, "metadata": metadata}
        self.objects[plural][metadata["namespace"], metadata["name"]] = obj
        if not silent:
            self.send(plural, json.dumps({"type": "MODIFIED", "object": obj}).encode())
        return obj

    def send(self, plural: str, line: bytes | None) -> None:
        """Send a line to all watches of a resource; None ends them."""
        for queue in self.watches[plural]:
            queue.put_nowait(line)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        path, parts = request.path, request.path.strip("/").split("/")
        if path in SCANNED:
            more = {"singularName": "", "namespaced": False, "verbs": ["list", "watch"]}
            return web.json_response(
                {"resources": [{"name": name, "kind": kind, **more} for name, kind in SCANNED[path]]}
            )
        if path == "/api":
            return web.json_response({"versions": ["v1"]})
        if path == "/apis":
            versions = [{"groupVersion": group, "version": group.split("/")[1]} for group in GROUPS]
            groups = [
                {"name": version["groupVersion"].split("/")[0], "versions": [version], "preferredVersion": version}
                for version in versions
            ]
            return web.json_response({"groups": groups})
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace, rest = (rest[1], rest[2:]) if rest[:1] == ["namespaces"] and len(rest) > 2 else ("", rest)
        if rest:
            self.peers[rest[0]].add(request.transport and request.transport.get_extra_info("peername"))
        if not rest:
            return web.json_response({"message": "not found"}, status=404)
        if request.method == "GET" and len(rest) == 1:
            return await (self.watch if "watch" in request.query else self.list)(request, rest[0])
        return await self.answer(request, rest[0], (namespace, rest[1] if len(rest) > 1 else ""))

    async def answer(self, request: web.Request, plural: str, key: tuple[str, str]) -> web.Response:
        """Answer a request for one object."""
        known = self.objects[plural].get(key)
        if request.method == "POST":
            return web.json_response(self.put(plural, await request.json()), status=201)
        if known is None:
            return web.json_response({"message": "not found"}, status=404)
        if request.method == "PUT":
            body = await request.json()
            if body["metadata"].get("resourceVersion") != known["metadata"]["resourceVersion"]:
                return web.json_response({"message": "the object has been modified"}, status=409)
            if request.path.endswith("/status"):
                body = {**known, "status": body["status"]}
            return web.json_response(self.put(plural, body))
        return web.json_response(known)

    async def list(self, request: web.Request, plural: str) -> web.Response:
        """Answer with all objects of a resource."""
        self.lists.append(plural)
        items = list(self.objects[plural].values())
        return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": items})

    async def watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        """Send lines until one is None or the client goes away."""
        if self.gone:
            return web.json_response({"message": "too old resource version"}, status=410)
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.watches[plural].append(queue)
        try:
            while (line := await queue.get()) is not None:
                await response.write(line + b"\n")
        finally:
            self.watches[plural].remove(queue)
        return response
