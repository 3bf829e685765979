"""Events are read for slow pods only, one pod at a time and less and less often."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.shell.pod_warnings import PodWarnings, newest_warning
from unit.operator.builders import NOW, pod
from unit.operator.shell.api_server import ApiServer

FAILED_MOUNT = {"reason": "FailedMount", "message": "timed out", "lastTimestamp": "2026-11-23T12:00:00Z"}


def slow(name: str = "j-worker-0", seconds: float = 20) -> PodView:
    return pod(name, phase="Pending", accepted=NOW - timedelta(seconds=seconds))


def answer(*events: dict[str, Any]) -> web.Response:
    return web.json_response({"items": list(events)})


async def test_the_newest_warning_of_a_slow_pod_is_read(server: ApiServer) -> None:
    server.answers.append(answer({**FAILED_MOUNT, "message": "old", "lastTimestamp": ""}, FAILED_MOUNT))
    warnings = PodWarnings(server.api)
    await warnings.refresh([slow()], NOW)
    assert warnings.of(slow()) == "FailedMount: timed out"
    ((method, path, _),) = server.requests
    assert method == "GET"
    assert path.startswith("/api/v1/namespaces/ns/events?fieldSelector=involvedObject.uid")


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(slow(seconds=14), id="it has just been accepted"),
        pytest.param(pod("j-worker-0"), id="it runs"),
        pytest.param(pod("j-worker-0", phase="Pending"), id="its kubelet has not seen it"),
    ],
)
async def test_other_pods_are_not_asked_for(view: PodView, server: ApiServer) -> None:
    await PodWarnings(server.api).refresh([view], NOW)
    assert server.requests == []


async def test_a_pod_is_asked_for_less_and_less_often_and_one_at_a_time(server: ApiServer) -> None:
    warnings = PodWarnings(server.api)
    server.answers += [answer(FAILED_MOUNT) for _ in range(40)]
    for seconds in range(0, 3600, 5):
        await warnings.refresh([slow(), slow("j-worker-1")], NOW + timedelta(seconds=seconds))
    assert len(server.requests) == 2 * 10


async def test_without_an_answer_the_last_warning_stays(server: ApiServer) -> None:
    server.answers += [answer(FAILED_MOUNT), web.Response(status=403)]
    warnings = PodWarnings(server.api)
    await warnings.refresh([slow()], NOW)
    await warnings.refresh([slow()], NOW + timedelta(seconds=30))
    assert len(server.requests) == 2
    assert warnings.of(slow()) == "FailedMount: timed out"


def test_no_event_is_no_warning() -> None:
    assert newest_warning([]) == ""
    assert newest_warning([{}]) == ": "
