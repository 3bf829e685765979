"""Events about one object are counted instead of created again and again."""

from typing import Any, cast

import pytest

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import Event
from llmtrain_operator.shell import event_recorder
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.errors import NotFound, RequestRejected
from llmtrain_operator.shell.event_recorder import COMBINED, INTERVAL_SECONDS, MAX_TEXTS, EventRecorder

JOB: Manifest = {"kind": "LLMTrainingJob", "metadata": {"name": "j", "namespace": "ns", "uid": "u"}}


class FakeApi:
    """Events by name: how often each was recorded, and its newest text."""

    def __init__(self) -> None:
        self.events: dict[str, tuple[int, str]] = {}
        self.error: RequestRejected | None = None

    async def create_event(self, obj: Manifest, event: Event, now: str) -> str:
        if self.error is not None:
            raise self.error
        name = f"event-{len(self.events)}"
        self.events[name] = (1, event.message)
        return name

    async def repeat_event(self, obj: Manifest, name: str, message: str, count: int, now: str) -> None:
        if name not in self.events:
            raise NotFound("events not found", 404)
        self.events[name] = (count, message)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder(api: FakeApi, clock: Clock) -> EventRecorder:
    return EventRecorder(cast(Api, api), clock)


def event(message: str, **fields: Any) -> Event:
    return Event(**{"type": "Warning", "reason": "WorkerFailed", "message": message, **fields})


async def test_an_event_with_the_same_text_is_counted(api: FakeApi, recorder: EventRecorder) -> None:
    for _ in range(3):
        await recorder.record(JOB, event("worker 0 died"))
    assert list(api.events.values()) == [(3, "worker 0 died")]


async def test_other_texts_reasons_and_objects_are_other_events(api: FakeApi, recorder: EventRecorder) -> None:
    other = {**JOB, "metadata": {**JOB["metadata"], "uid": "other"}}
    for obj, each in ((JOB, event("a")), (JOB, event("b")), (JOB, event("a", reason="Recovered")), (other, event("a"))):
        await recorder.record(obj, each)
    assert [count for count, _ in api.events.values()] == [1] * 4


async def test_many_similar_events_share_one(api: FakeApi, recorder: EventRecorder) -> None:
    for number in range(500):
        await recorder.record(JOB, event(f"worker {number} died"))
    assert len(api.events) == MAX_TEXTS + 1
    assert list(api.events.values())[-1] == (500 - MAX_TEXTS, f"{COMBINED}worker 499 died")
    await recorder.record(JOB, event("worker 0 died"))
    assert api.events["event-0"] == (2, "worker 0 died")


async def test_a_series_ends(api: FakeApi, recorder: EventRecorder, clock: Clock) -> None:
    await recorder.record(JOB, event("a"))
    clock.now = INTERVAL_SECONDS + 1
    await recorder.record(JOB, event("a"))
    assert [count for count, _ in api.events.values()] == [1, 1]


async def test_an_event_that_the_api_server_has_forgotten_is_created_again(
    api: FakeApi, recorder: EventRecorder
) -> None:
    await recorder.record(JOB, event("a"))
    api.events.clear()
    await recorder.record(JOB, event("a"))
    assert list(api.events.values()) == [(1, "a")]


async def test_an_error_is_logged_and_ignored(
    api: FakeApi, recorder: EventRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    api.error = RequestRejected("the namespace is being deleted", 403)
    await recorder.record(JOB, event("a"))
    assert [record.message for record in caplog.records] == ["eventFailed"]
    api.error = None
    await recorder.record(JOB, event("a"))
    assert list(api.events.values()) == [(1, "a")]


async def test_the_oldest_series_are_forgotten(
    api: FakeApi, recorder: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_recorder, "MAX_SERIES", 2)
    for number in range(5):
        await recorder.record({**JOB, "metadata": {**JOB["metadata"], "uid": str(number)}}, event("a"))
    assert len(recorder.series) == 2
