"""Calls of the Kubernetes API."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException

from llmtrain_operator.core.plan import Event, ObjectReference
from llmtrain_operator.shell import api as module
from llmtrain_operator.shell.api import MAX_IN_FLIGHT, Api, Unreadable, path_of, resource_of
from llmtrain_operator.shell.errors import AlreadyExists, Conflict, NotFound, RequestRejected, Unavailable
from unit.operator.shell.api_server import ApiServer

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}
REFERENCE = ObjectReference(api_version="v1", kind="Pod", namespace="n", name="p", uid="u")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (404, NotFound),
        (409, Conflict),
        (422, RequestRejected),
        (403, RequestRejected),
        (429, Unavailable),
        (500, Unavailable),
    ],
)
async def test_an_error_has_the_servers_message_and_the_time_to_retry(
    server: ApiServer, code: int, kind: type[Exception]
) -> None:
    server.answers = [web.json_response({"message": "because"}, status=code, headers={"Retry-After": "7"})]
    with pytest.raises(kind) as caught:
        await server.api.apply(POD)
    assert (caught.value.message, caught.value.retry_after_seconds) == ("because", 7)


async def test_a_server_that_does_not_answer_is_unavailable() -> None:
    async with ApiClient(Configuration(host="http://127.0.0.1:9")) as client:
        with pytest.raises(Unavailable, match="no answer"):
            await Api(client).apply(POD)


@pytest.mark.parametrize(
    "error", [FileNotFoundError("token"), PermissionError("token"), ConfigException("empty"), KeyError("x")], ids=repr
)
async def test_credentials_that_cannot_be_read_make_the_server_unavailable(server: ApiServer, error: Exception) -> None:
    def refresh(configuration: Configuration) -> None:
        raise error

    server.api.client.configuration.api_key["BearerToken"] = "bearer token"
    server.api.client.configuration.refresh_api_key_hook = refresh
    with pytest.raises(Unavailable, match="credentials"):
        await server.api.apply(POD)
    with pytest.raises(Unavailable, match="credentials"):
        await anext(server.api.watch("/api/v1/pods?watch=1", 1))
    server.api.client.configuration.refresh_api_key_hook = None
    server.answers = [web.json_response(POD)]
    assert await server.api.apply(POD) == POD


async def test_credentials_with_a_line_break_are_not_sent(server: ApiServer) -> None:
    server.api.client.configuration.api_key["BearerToken"] = "bearer token\nX-Other: 1"
    with pytest.raises(Unavailable, match="line break"):
        await server.api.apply(POD)
    assert server.requests == []


async def test_an_object_is_applied_by_one_field_manager_that_takes_over_conflicts(server: ApiServer) -> None:
    server.answers = [web.json_response(POD)]
    assert await server.api.apply(POD) == POD
    method, path, body = server.requests[0]
    assert (method, body) == ("PATCH", POD)
    assert path.startswith("/api/v1/namespaces/n/pods/p?fieldManager=")
    assert path.endswith("&force=true")


async def test_only_the_object_with_the_same_uid_is_deleted(server: ApiServer) -> None:
    server.answers = [web.json_response({})]
    await server.api.delete(REFERENCE)
    method, path, body = server.requests[0]
    assert (method, path) == ("DELETE", "/api/v1/namespaces/n/pods/p")
    assert body["preconditions"] == {"uid": "u"}
    assert "gracePeriodSeconds" not in body


@pytest.mark.parametrize(
    ("change", "sent"), [({"grace_seconds": 60}, 60), ({"force": True}, 0), ({"grace_seconds": 60, "force": True}, 0)]
)
async def test_a_pod_is_deleted_with_a_grace_period_of_its_own(
    server: ApiServer, change: dict[str, Any], sent: int
) -> None:
    server.answers = [web.json_response({})]
    await server.api.delete(replace(REFERENCE, **change))
    assert server.requests[0][2]["gracePeriodSeconds"] == sent


async def test_a_status_replaces_the_one_before_and_nothing_else_is_sent(server: ApiServer) -> None:
    server.answers = [web.json_response(POD)]
    identity = {**POD["metadata"], "uid": "u", "resourceVersion": "7"}
    long = {**POD, "metadata": {**identity, "annotations": {"a": "x" * 2**22}}, "spec": {}, "status": {"phase": "old"}}
    await server.api.replace_status(long, {"phase": "new"})
    sent = {**POD, "metadata": identity, "status": {"phase": "new"}}
    assert server.requests == [("PUT", "/api/v1/namespaces/n/pods/p/status", sent)]


async def test_an_event_names_the_object_it_is_about(server: ApiServer) -> None:
    server.answers = [web.json_response({"metadata": {"name": "p.1"}})]
    event = Event(type="Normal", reason="R", message="m" * 2000)
    assert await server.api.create_event(POD, event, "2026-11-23T12:00:00Z") == "p.1"
    method, path, body = server.requests[0]
    assert (method, path) == ("POST", "/api/v1/namespaces/n/events")
    assert body["involvedObject"] == {"apiVersion": "v1", "kind": "Pod", "name": "p", "namespace": "n"}
    assert (body["reason"], len(body["message"])) == ("R", 1024)


async def test_an_event_that_is_repeated_gets_a_count(server: ApiServer) -> None:
    server.answers = [web.json_response({})]
    await server.api.repeat_event(POD, "p.1", "m" * 2000, 7, "2026-11-23T12:00:00Z")
    body = {"message": "m" * 1024, "count": 7, "lastTimestamp": "2026-11-23T12:00:00Z"}
    assert server.requests == [("PATCH", "/api/v1/namespaces/n/events/p.1", body)]


async def test_a_resource_that_is_not_served_is_not_there(server: ApiServer) -> None:
    listing = {"resources": [{"name": "podgroups"}]}
    server.answers = [web.json_response(listing), web.json_response({"message": "no"}, status=404)]
    assert await server.api.has_resource("scheduling.k8s.io/v1beta1", "podgroups")
    assert not await server.api.has_resource("scheduling.k8s.io/v1beta1", "podgroups")


@pytest.mark.parametrize("text", ["no JSON", "[1]", "null", "3", "[" * 5000], ids=lambda text: text[:10])
async def test_an_answer_that_is_no_object_is_an_error_of_the_api(server: ApiServer, text: str) -> None:
    server.answers = [web.Response(text=text)]
    with pytest.raises(Unreadable):
        await server.api.call("GET", "/api/v1/pods")


@pytest.mark.parametrize("resources", [None, "x", [None, "x", {}, {"name": 3}]])
async def test_a_listing_can_contain_anything(server: ApiServer, resources: object) -> None:
    server.answers = [web.json_response({"resources": resources})]
    assert not await server.api.has_resource("scheduling.k8s.io/v1beta1", "podgroups")


async def test_a_replica_that_does_not_lead_changes_nothing(server: ApiServer) -> None:
    server.api.may_write = lambda: False
    with pytest.raises(Unavailable, match="Lease"):
        await server.api.apply(POD)
    server.answers = [web.json_response(POD), web.json_response(POD)]
    assert await server.api.call("GET", "/api/v1/pods/p") == POD
    assert await server.api.call("PUT", "/api/v1/leases/l", POD, fenced=False) == POD
    assert len(server.requests) == 2


async def test_requests_wait_while_as_many_as_are_allowed_are_in_flight_and_are_fenced_then() -> None:
    waiting, gate = [], asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        waiting.append(request.path)
        await gate.wait()
        return web.json_response(POD)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", slow)
    async with (
        TestServer(app) as running,
        ApiClient(Configuration(host=str(running.make_url("")).rstrip("/"))) as client,
    ):
        api = Api(client)
        calls = [asyncio.create_task(api.apply(POD)) for _ in range(MAX_IN_FLIGHT + 5)]
        async with asyncio.timeout(10):
            while len(waiting) < MAX_IN_FLIGHT:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(waiting) == MAX_IN_FLIGHT
        api.may_write = lambda: False
        gate.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(result) for result in results[MAX_IN_FLIGHT:]] == ["this replica does not hold the Lease any more"] * 5
    assert len(waiting) == MAX_IN_FLIGHT


async def test_a_watch_that_is_silent_is_taken_for_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.Event().wait()
        return response

    monkeypatch.setattr(module, "READ_SECONDS", 0.05)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", silent)
    async with (
        TestServer(app) as running,
        ApiClient(Configuration(host=str(running.make_url("")).rstrip("/"))) as client,
    ):
        with pytest.raises(Unavailable, match="cut off"):
            async for _ in Api(client).watch("/api/v1/pods", 60):
                pass


def test_paths() -> None:
    assert path_of("v1", "Node") == "/api/v1/nodes"
    assert (
        path_of("scheduling.k8s.io/v1beta1", "PodGroup", "n", "g")
        == "/apis/scheduling.k8s.io/v1beta1/namespaces/n/podgroups/g"
    )
    assert resource_of("/api/v1/namespaces/n/pods/p".split("/")) == "pods"
    assert resource_of(["healthz"]) == "other"


async def test_an_object_is_created_read_and_changed_in_part(server: ApiServer) -> None:
    server.answers += [web.json_response({"a": 1}), web.json_response({"b": 2}), web.json_response({"c": 3})]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "uid": "u"}}
    assert await server.api.create(pod) == {"a": 1}
    assert await server.api.read(pod) == {"b": 2}
    assert await server.api.merge(pod) == {"c": 3}
    assert server.requests == [
        ("POST", "/api/v1/namespaces/n/pods?fieldManager=llmtrain-operator", pod),
        ("GET", "/api/v1/namespaces/n/pods/p", None),
        ("PATCH", "/api/v1/namespaces/n/pods/p?fieldManager=llmtrain-operator", pod),
    ]


async def test_a_name_that_is_taken_is_an_error_of_its_own(server: ApiServer) -> None:
    server.answers.append(web.json_response({"message": "m", "reason": "AlreadyExists"}, status=409))
    with pytest.raises(AlreadyExists):
        await server.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}})
