"""The client of a job's coordinator."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmtrain_api.protocol import JOB_HEADER
from llmtrain_operator.shell import coordinator_client
from llmtrain_operator.shell.coordinator_client import sync_workers
from unit.operator.builders import coordinator_status, job, pod

COORDINATOR = replace(pod("j-coordinator", "coordinator"), address="127.0.0.1")


class Coordinator:
    """A coordinator that records what it is sent."""

    def __init__(self) -> None:
        self.answer = web.Response(text=coordinator_status().model_dump_json(by_alias=True))
        self.requests: list[tuple[str | None, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((request.headers.get(JOB_HEADER), await request.json()))
        return self.answer


@pytest.fixture
async def coordinator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Coordinator]:
    found = Coordinator()
    app = web.Application()
    app.router.add_put("/v1/workers", found.handle)
    async with TestServer(app) as server:
        monkeypatch.setattr(coordinator_client, "COORDINATOR_PORT", server.port)
        yield found


async def test_the_coordinator_gets_the_desired_workers_and_answers_with_its_status(coordinator: Coordinator) -> None:
    async with aiohttp.ClientSession() as session:
        status = await sync_workers(session, job(workers={"replicas": 4, "min": 2}), COORDINATOR)
    assert status == coordinator_status()
    ((uid, desired),) = coordinator.requests
    assert (uid, desired["workers"], desired["minWorkers"]) == ("uid-of-j", 4, 2)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(web.Response(status=403), id="an answer for another job"),
        pytest.param(web.Response(text="{}"), id="an answer of another version"),
    ],
)
async def test_an_error_counts_as_no_answer(coordinator: Coordinator, answer: web.Response) -> None:
    coordinator.answer = answer
    async with aiohttp.ClientSession() as session:
        assert await sync_workers(session, job(), COORDINATOR) is None


async def test_a_coordinator_that_cannot_be_reached_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator_client, "COORDINATOR_PORT", 9)
    async with aiohttp.ClientSession() as session:
        assert await sync_workers(session, job(), COORDINATOR) is None
