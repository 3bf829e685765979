"""One resource, listed and watched, whatever its objects contain and however the connection fails."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from llmtrain_api.metrics.operator import UNREADABLE_OBJECTS
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell import api
from llmtrain_operator.shell import informer as module
from llmtrain_operator.shell.api import Unreadable
from llmtrain_operator.shell.errors import ApiError, Unavailable
from llmtrain_operator.shell.informer import Informer
from llmtrain_operator.shell.metrics import UNREADABLE
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
    assert changes == [("upsert", "a"), ("upsert", "b"), ("upsert", "a"), ("upsert", "b"), ("delete", "a")]
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


async def test_metadata_alone_is_asked_for(server: ApiServer) -> None:
    informer = Informer(server.api, "v1", "Namespace", lambda change, found: None, metadata_only=True)
    server.answers = [web.json_response({"metadata": {"resourceVersion": "5"}}), web.Response(text="")]
    await informer.watch(await informer.list())
    assert server.accepted == [
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ]


def test_a_selector_is_part_of_the_query() -> None:
    informer = Informer(None, "v1", "Service", lambda change, found: None, selector="x")  # type: ignore[arg-type]
    assert informer.path("limit=5") == "/api/v1/services?labelSelector=x&limit=5"


def pods(handler: Any) -> Informer:
    """Return an informer of pods without a server."""
    return Informer(None, "v1", "Pod", handler)  # type: ignore[arg-type]


def unreadable() -> float:
    """Return the number of unreadable versions of pods."""
    return float(UNREADABLE.labels(kind="Pod")._value.get())


async def test_an_object_that_cannot_be_handled_is_counted_once_for_each_version_and_stays_known() -> None:
    handled: list[str] = []

    def handler(change: str, found: Manifest) -> None:
        if found["metadata"]["name"] == "bad":
            raise KeyError("spec")
        handled.append(found["metadata"]["name"])

    informer, before = pods(handler), unreadable()
    for found in (obj("bad", "1"), obj("bad", "1"), obj("good", "2"), obj("bad", "3"), None, "text", {}):
        informer.on_event("MODIFIED", found)  # type: ignore[arg-type]
    assert handled == ["good"]
    assert unreadable() == before + 3, "two versions, and what has no identity"
    assert set(informer.known) == {"uid-bad", "uid-good"}


def test_unreadable_objects_of_a_kind_are_exported_before_there_are_any() -> None:
    Informer(None, "v1", "Service", lambda change, found: None)  # type: ignore[arg-type]
    assert REGISTRY.get_sample_value(UNREADABLE_OBJECTS.name, {"kind": "Service"}) == 0


async def test_an_object_that_is_of_no_interest_is_not_kept(server: ApiServer) -> None:
    changes: list[str] = []
    informer = pods(lambda change, found: changes.append(change))
    informer.trim = lambda found: found if found.get("keep") else None
    informer.on_event("ADDED", obj("a", "1"))
    informer.on_event("MODIFIED", {**obj("a", "2"), "keep": True})
    informer.on_event("MODIFIED", obj("a", "3"))
    informer.on_event("DELETED", obj("a", "4"))
    assert changes == ["upsert", "delete"]
    assert informer.known == {}


async def test_a_list_that_is_older_than_an_object_does_not_delete_it(server: ApiServer) -> None:
    changes: list[str] = []
    informer = Informer(server.api, "v1", "Pod", lambda change, found: changes.append(change))
    informer.on_event("ADDED", obj("a", "10"))
    informer.on_event("MODIFIED", obj("a", "8"))
    changes.pop()
    server.answers = [web.json_response({"metadata": {"resourceVersion": version}}) for version in ("9", "11")]
    await informer.list()
    assert changes == ["upsert"]
    await informer.list()
    assert changes == ["upsert", "delete"]


@pytest.mark.parametrize(
    "page", [{}, {"items": []}, {"metadata": None}, {"metadata": {"resourceVersion": "9"}, "items": "x"}]
)
async def test_a_list_that_cannot_be_read_deletes_nothing(server: ApiServer, page: Any) -> None:
    changes: list[str] = []
    informer = Informer(server.api, "v1", "Pod", lambda change, found: changes.append(change))
    informer.on_event("ADDED", obj("a", "1"))
    server.answers = [web.json_response(page)]
    with pytest.raises(Unreadable):
        await informer.list()
    assert changes == ["upsert"]


async def test_items_of_a_list_can_be_anything(server: ApiServer) -> None:
    names: list[str] = []
    informer = Informer(server.api, "v1", "Pod", lambda change, found: names.append(found["metadata"]["name"]))
    items = [None, "x", [], {}, {"metadata": None}, {"metadata": {"name": 3, "uid": {}}}, obj("a", "1")]
    server.answers = [web.json_response({"metadata": {"resourceVersion": "9"}, "items": items})]
    assert await informer.list() == "9"
    assert names == ["a"]


async def test_a_list_from_the_cache_is_only_the_first_one(server: ApiServer) -> None:
    informer = Informer(server.api, "v1", "Pod", lambda change, found: None, from_cache=True)
    page = {"metadata": {"resourceVersion": "1"}, "items": [obj("a", "1")]}
    server.answers = [web.json_response(page), web.json_response(page)]
    await informer.list()
    await informer.list()
    assert ["resourceVersion=0" in path for _, path, _ in server.requests] == [True, False]


LINES = (
    "no JSON",
    "[1]",
    "null",
    '{"object": {}}',
    '{"type": "ADDED"}',
    '{"type": 3, "object": {}}',
    '{"type": "ADDED", "object": []}',
    "[" * 5000,
)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:30])
async def test_a_line_that_cannot_be_read_makes_it_list_again(server: ApiServer, line: str) -> None:
    server.answers = [web.Response(text=line + "\n")]
    with pytest.raises(Unreadable):
        await Informer(server.api, "v1", "Pod", lambda change, found: None).watch("1")


async def test_a_line_of_six_mebibytes_is_read_and_a_longer_one_makes_it_list_again(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    informer = Informer(server.api, "v1", "Pod", lambda change, found: names.append(found["metadata"]["name"]))
    event = '{"type":"ADDED","object":{"metadata":{"name":"a","uid":"u","resourceVersion":"2"},"data":"%s"}}\n'
    text = event % ("\\u003c" * 2**20)
    server.answers = [web.Response(text=text), web.Response(text=text)]
    assert await informer.watch("1") == "2"
    assert names == ["a"]
    monkeypatch.setattr(api, "MAX_LINE_BYTES", 2**20)
    with pytest.raises(Unreadable):
        await informer.watch("1")


@pytest.mark.parametrize("object", ['{"code":410}', '{"code":"x","message":3}', "{}"])
async def test_an_error_in_a_watch_ends_it(server: ApiServer, object: str) -> None:
    server.answers = [web.Response(text=f'{{"type":"ERROR","object":{object}}}\n')]
    with pytest.raises(ApiError):
        await Informer(server.api, "v1", "Pod", lambda change, found: None).watch("1")


class ScriptedInformer(Informer):
    """An informer whose lists and watches succeed or fail as the test says, and that does not wait."""

    def __init__(self, *steps: Exception | str) -> None:
        super().__init__(None, "v1", "Pod", lambda change, found: None)  # type: ignore[arg-type]
        self.steps, self.calls = list(steps), list[str]()

    def next(self) -> str:
        if not self.steps:
            raise asyncio.CancelledError
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def list(self) -> str:
        self.calls.append("list")
        return self.next()

    async def watch(self, version: str) -> str:
        self.calls.append(f"watch {version}")
        self.version = self.next()
        return self.version


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the delays that an informer waits, without waiting."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return waited


async def ran(informer: ScriptedInformer) -> list[str]:
    """Return the calls of an informer until its steps end."""
    with pytest.raises(asyncio.CancelledError):
        await informer.run()
    return informer.calls


async def test_a_connection_that_is_lost_continues_at_its_version(delays: list[float]) -> None:
    assert await ran(ScriptedInformer("1", "5", Unavailable("reset"), "6")) == [
        "list",
        "watch 1",
        "watch 5",
        "watch 5",
        "watch 6",
    ]


@pytest.mark.parametrize(
    "error",
    [ApiError("gone", 410), Unavailable("gone", 410), Unreadable("no JSON"), ApiError("too large", 504)],
    ids=str,
)
async def test_a_watch_that_cannot_continue_lists_again(delays: list[float], error: Exception) -> None:
    assert await ran(ScriptedInformer("1", "5", error, "9")) == ["list", "watch 1", "watch 5", "list", "watch 9"]


async def test_a_watch_that_ends_at_once_waits_longer_each_time_and_then_lists_again(delays: list[float]) -> None:
    calls = await ran(ScriptedInformer("1", "1", "1", "1", "1", "1"))
    assert calls == ["list", "watch 1", "watch 1", "watch 1", "list", "watch 1", "list"]
    assert delays[1] > delays[0] >= 0.5
    assert delays[2] > delays[1]


async def test_a_resource_that_is_not_served_yet_is_listed_again_soon(delays: list[float]) -> None:
    informer = ScriptedInformer(*(ApiError("not found", 404) for _ in range(9)))
    await ran(informer)
    assert max(delays) <= module.MAX_START_RETRY_SECONDS
    assert not informer.synced.is_set()
