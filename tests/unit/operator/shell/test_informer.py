"""One resource, listed and watched."""

from aiohttp import web

from llmtrain_operator.shell.informer import Informer
from unit.operator.shell.api_server import ApiServer, obj


async def test_an_informer_lists_page_by_page_watches_and_deletes_what_no_longer_exists(server: ApiServer) -> None:
    changes: list[tuple[str, str]] = []
    informer = Informer(
        server.api, "v1", "Pod", lambda change, found: changes.append((change, found["metadata"]["name"]))
    )
    server.answers = [
        web.json_response({"metadata": {"continue": "more"}, "items": [obj("a", "1")]}),
        web.json_response({"metadata": {"resourceVersion": "5"}, "items": [obj("b", "2")]}),
        web.Response(
            text='{"type":"MODIFIED","object":{"metadata":{"name":"a","namespace":"n","uid":"uid-a","resourceVersion":"6"}}}\n'
            '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n'
        ),
        web.json_response({"metadata": {"resourceVersion": "10"}, "items": [obj("b", "2")]}),
    ]
    assert await informer.list() == "5"
    assert await informer.watch("5") == "9"
    await informer.list()
    assert changes == [("upsert", "a"), ("upsert", "b"), ("upsert", "a"), ("delete", "a"), ("upsert", "b")]
    assert "continue=more" in server.requests[1][1]


async def test_objects_get_the_kind_that_lists_leave_out_and_lose_their_managed_fields(server: ApiServer) -> None:
    managed = obj("a", "1")
    managed["metadata"]["managedFields"] = [{"manager": "x"}]
    informer = Informer(server.api, "v1", "Pod", lambda change, found: None)
    normalized = informer.normalize(managed)
    assert (normalized["apiVersion"], normalized["kind"]) == ("v1", "Pod")
    assert "managedFields" not in normalized["metadata"]


async def test_a_deletion_that_is_watched_reaches_the_handler(server: ApiServer) -> None:
    changes: list[str] = []
    informer = Informer(server.api, "v1", "Pod", lambda change, found: changes.append(change))
    informer.on_event("ADDED", obj("a", "1"))
    informer.on_event("DELETED", obj("a", "2"))
    assert changes == ["upsert", "delete"]
    assert informer.known == {}


def test_a_selector_is_part_of_the_query() -> None:
    informer = Informer(None, "v1", "Service", lambda change, found: None, selector="x")  # type: ignore[arg-type]
    assert informer.path("limit=5") == "/api/v1/services?labelSelector=x&limit=5"
