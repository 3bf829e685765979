"""Events are read for slow objects only, one of a job at a time and less and less often."""

from datetime import timedelta
from typing import Any

from aiohttp import web

from llmtrain_operator.shell.warning_events import SlowObject, WarningEvents, newest_warning
from unit.operator.builders import NOW
from unit.operator.shell.api_server import ApiServer

FAILED_MOUNT = {"reason": "FailedMount", "message": "timed out", "lastTimestamp": "2026-11-23T12:00:00Z"}
POD, OTHER = SlowObject("ns", "uid-of-pod"), SlowObject("ns", "uid-of-other")


def answer(*events: Any) -> web.Response:
    return web.json_response({"items": list(events)})


async def test_the_newest_warning_of_a_slow_object_is_read(server: ApiServer) -> None:
    server.answers.append(answer({**FAILED_MOUNT, "message": "old", "lastTimestamp": ""}, FAILED_MOUNT))
    warnings = WarningEvents(server.api)
    await warnings.refresh([POD], NOW)
    assert warnings.of(POD.uid) == "FailedMount: timed out"
    ((method, path, _),) = server.requests
    assert method == "GET"
    assert path.startswith("/api/v1/namespaces/ns/events?fieldSelector=involvedObject.uid%3Duid-of-pod")


async def test_without_a_slow_object_nothing_is_read(server: ApiServer) -> None:
    await WarningEvents(server.api).refresh([], NOW)
    assert server.requests == []


async def test_an_object_is_asked_for_less_and_less_often_and_one_at_a_time(server: ApiServer) -> None:
    warnings = WarningEvents(server.api)
    server.answers += [answer(FAILED_MOUNT) for _ in range(40)]
    for seconds in range(0, 3600, 5):
        await warnings.refresh([POD, OTHER], NOW + timedelta(seconds=seconds))
    assert len(server.requests) == 2 * 10


async def test_many_slow_objects_are_asked_for_at_a_rate_that_does_not_grow(server: ApiServer) -> None:
    warnings = WarningEvents(server.api)
    jobs = [[SlowObject("ns", f"uid-{number}")] for number in range(300)]
    server.answers += [answer(FAILED_MOUNT) for _ in range(9000)]
    times = [NOW + timedelta(seconds=seconds) for seconds in range(0, 7200, 100)]
    for time in times:
        for job in jobs:
            await warnings.refresh(job, time)
        if time == times[35]:
            server.requests.clear()
    assert len(server.requests) <= 3600 / 4


async def test_an_object_that_is_no_longer_slow_is_forgotten(server: ApiServer) -> None:
    warnings = WarningEvents(server.api)
    server.answers += [answer(FAILED_MOUNT), answer(FAILED_MOUNT)]
    await warnings.refresh([POD], NOW)
    await warnings.refresh([OTHER], NOW + timedelta(seconds=300))
    assert warnings.of(POD.uid)
    await warnings.refresh([OTHER], NOW + timedelta(seconds=301))
    assert list(warnings.objects) == [OTHER.uid]


async def test_without_an_answer_the_last_warning_stays(server: ApiServer) -> None:
    server.answers += [answer(FAILED_MOUNT), web.Response(status=403)]
    warnings = WarningEvents(server.api)
    await warnings.refresh([POD], NOW)
    await warnings.refresh([POD], NOW + timedelta(seconds=30))
    assert len(server.requests) == 2
    assert warnings.of(POD.uid) == "FailedMount: timed out"


async def test_events_can_contain_anything(server: ApiServer) -> None:
    bad = {"reason": "\x1b[31mR", "message": 7, "series": [], "lastTimestamp": {}, "eventTime": None}
    server.answers.append(answer(None, "x", [], bad))
    warnings = WarningEvents(server.api)
    await warnings.refresh([POD], NOW)
    assert warnings.of(POD.uid) == "R: "


def test_no_event_is_no_warning() -> None:
    assert newest_warning([]) == ""
    assert newest_warning([{}]) == ": "
