"""Calls of the Kubernetes API."""

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from llmtrain_operator.core.plan import Event, ObjectReference
from llmtrain_operator.shell.api import Api, path_of, resource_of
from llmtrain_operator.shell.errors import Conflict, NotFound, RequestRejected, Unavailable
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


async def test_a_status_replaces_the_one_before(server: ApiServer) -> None:
    server.answers = [web.json_response(POD)]
    await server.api.replace_status({**POD, "status": {"phase": "old"}}, {"phase": "new"})
    assert server.requests == [("PUT", "/api/v1/namespaces/n/pods/p/status", {**POD, "status": {"phase": "new"}})]


async def test_an_event_names_the_object_it_is_about(server: ApiServer) -> None:
    server.answers = [web.json_response({})]
    await server.api.create_event(POD, Event(type="Normal", reason="R", message="m" * 2000), "2026-11-23T12:00:00Z")
    method, path, body = server.requests[0]
    assert (method, path) == ("POST", "/api/v1/namespaces/n/events")
    assert body["involvedObject"] == {"apiVersion": "v1", "kind": "Pod", "name": "p", "namespace": "n"}
    assert (body["reason"], len(body["message"])) == ("R", 1024)


async def test_a_resource_that_is_not_served_is_not_there(server: ApiServer) -> None:
    listing = {"resources": [{"name": "podgroups"}]}
    server.answers = [web.json_response(listing), web.json_response({"message": "no"}, status=404)]
    assert await server.api.has_resource("scheduling.k8s.io/v1beta1", "podgroups")
    assert not await server.api.has_resource("scheduling.k8s.io/v1beta1", "podgroups")


def test_paths() -> None:
    assert path_of("v1", "Node") == "/api/v1/nodes"
    assert (
        path_of("scheduling.k8s.io/v1beta1", "PodGroup", "n", "g")
        == "/apis/scheduling.k8s.io/v1beta1/namespaces/n/podgroups/g"
    )
    assert resource_of("/api/v1/namespaces/n/pods/p".split("/")) == "pods"
    assert resource_of(["healthz"]) == "other"
