"""Calls to an API server, here one that answers as told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.shell.api import Api, path_of
from llmtrain_operator.shell.errors import Conflict, InvalidRequest, NotFound, Unavailable
from llmtrain_operator.shell.informer import Informer

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}


class Server:
    """Answers every request with the next of `answers` and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.asked: list[tuple[str, str, Any]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path_qs, body))
        return self.answers.pop(0)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, Api]]:
    answers = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answers.answer)
    async with (
        TestServer(app) as running,
        ApiClient(Configuration(host=str(running.make_url("")).rstrip("/"))) as client,
    ):
        yield answers, Api(client)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (404, NotFound),
        (409, Conflict),
        (422, InvalidRequest),
        (403, InvalidRequest),
        (429, Unavailable),
        (500, Unavailable),
    ],
)
async def test_errors_are_told_apart(server: tuple[Server, Api], code: int, kind: type) -> None:
    answers, api = server
    answers.answers = [web.json_response({"message": "because"}, status=code, headers={"Retry-After": "7"})]
    with pytest.raises(kind) as caught:
        await api.apply(POD)
    assert (caught.value.message, caught.value.retry_after_seconds) == ("because", 7)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with ApiClient(Configuration(host="http://127.0.0.1:9")) as client:
        with pytest.raises(Unavailable, match="no answer"):
            await Api(client).apply(POD)


async def test_delete_means_one_incarnation(server: tuple[Server, Api]) -> None:
    answers, api = server
    answers.answers = [web.json_response({})]
    await api.delete(ObjectReference(api_version="v1", kind="Pod", namespace="n", name="p", uid="u"))
    method, path, body = answers.asked[0]
    assert (method, path) == ("DELETE", "/api/v1/namespaces/n/pods/p")
    assert body["preconditions"] == {"uid": "u"}


def test_paths() -> None:
    assert path_of("v1", "Node") == "/api/v1/nodes"
    assert (
        path_of("scheduling.k8s.io/v1beta1", "PodGroup", "n", "g")
        == "/apis/scheduling.k8s.io/v1beta1/namespaces/n/podgroups/g"
    )


def thing(name: str, version: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}", "resourceVersion": version}}


async def test_an_informer_lists_page_by_page_watches_and_drops_what_is_gone(server: tuple[Server, Api]) -> None:
    answers, api = server
    seen: list[tuple[str, str]] = []
    informer = Informer(api, "v1", "Pod", lambda change, it: seen.append((change, it["metadata"]["name"])))
    answers.answers = [
        web.json_response({"metadata": {"continue": "more"}, "items": [thing("a", "1")]}),
        web.json_response({"metadata": {"resourceVersion": "5"}, "items": [thing("b", "2")]}),
        web.Response(
            text='{"type":"MODIFIED","object":{"metadata":{"name":"a","namespace":"n","uid":"uid-a","resourceVersion":"6"}}}\n'
            '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n'
        ),
        web.json_response({"metadata": {"resourceVersion": "10"}, "items": [thing("b", "2")]}),
    ]
    assert await informer.list() == "5"
    assert await informer.watch("5") == "9"
    await informer.list()
    assert seen == [("upsert", "a"), ("upsert", "b"), ("upsert", "a"), ("delete", "a"), ("upsert", "b")]
    assert "continue=more" in answers.asked[1][1]
