"""An API server for tests: answers every request with the next prepared answer."""

from typing import Any

from aiohttp import web

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.api import Api


class ApiServer:
    """Answers requests with `answers`, in order, and records them."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.requests: list[tuple[str, str, Any]] = []
        """Method, path with query, and body."""
        self.accepted: list[str | None] = []
        """The media type that each request asks for."""
        self.api: Api
        """A client of this server."""

    async def handle(self, request: web.Request) -> web.Response:
        """Record a request and return the next answer."""
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path_qs, body))
        self.accepted.append(request.headers.get("Accept"))
        return self.answers.pop(0)


def obj(name: str, version: str) -> Manifest:
    """Return an object at a resource version."""
    return {"metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}", "resourceVersion": version}}
