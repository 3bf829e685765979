"""The client of a job's coordinator."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmtrain_api.job_token import is_authorized
from llmtrain_api.protocol import JOB_HEADER
from llmtrain_api.time_ledger import new_ledger
from llmtrain_operator.shell import coordinator_client
from llmtrain_operator.shell.coordinator_client import NoAnswer, desired_workers, sync_workers
from unit.operator.builders import coordinator_status, job, pod, progress, started

VALID = coordinator_status().model_dump_json(by_alias=True).encode()
TOKENS = ("new" * 20, "old" * 20)
COORDINATOR = replace(pod("j-coordinator", "coordinator"), address="127.0.0.1")


class Coordinator:
    """A coordinator that records what it is sent."""

    def __init__(self) -> None:
        self.answer = web.Response(text=coordinator_status().model_dump_json(by_alias=True))
        self.requests: list[tuple[str | None, Any]] = []
        self.token = TOKENS[0]

    async def handle(self, request: web.Request) -> web.Response:
        if not is_authorized(request.headers.get("Authorization"), self.token):
            return web.Response(status=401)
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
        status = await sync_workers(session, job(workers={"replicas": 4, "min": 2}), COORDINATOR, TOKENS)
    assert status == coordinator_status()
    ((uid, desired),) = coordinator.requests
    assert (uid, desired["workers"], desired["minWorkers"]) == ("uid-of-j", 4, 2)


async def test_a_coordinator_from_before_the_key_was_rotated_is_asked_with_its_token(coordinator: Coordinator) -> None:
    coordinator.token = TOKENS[1]
    async with aiohttp.ClientSession() as session:
        assert await sync_workers(session, job(), COORDINATOR, TOKENS) == coordinator_status()


async def test_a_coordinator_that_accepts_no_token_is_logged_with_the_remedy_and_without_a_token(
    coordinator: Coordinator, caplog: pytest.LogCaptureFixture
) -> None:
    coordinator.token = "other" * 20
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NoAnswer, match="accepts no token") as raised:
            await sync_workers(session, job(), COORDINATOR, TOKENS)
    assert raised.value.is_refusal
    (record,) = caplog.records
    fields = str(record.__dict__)
    assert "delete the Secret j-token-uid-of-j" in fields
    assert not any(token in fields for token in TOKENS)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(web.Response(status=403), id="an answer for another job"),
        pytest.param(web.Response(text="{}"), id="an answer of another version"),
        pytest.param(web.Response(text="[" * 5000), id="an answer without an end"),
        pytest.param(web.Response(status=307, headers={"Location": "/v1/workers"}), id="a way to another server"),
        pytest.param(web.Response(body=b" " * (4 * 2**20 + 1)), id="an answer that is too long"),
        pytest.param(
            web.Response(body=gzip.compress(VALID), headers={"Content-Encoding": "gzip"}), id="a compressed answer"
        ),
    ],
)
async def test_an_error_counts_as_no_answer(coordinator: Coordinator, answer: web.Response) -> None:
    coordinator.answer = answer
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NoAnswer):
            await sync_workers(session, job(), COORDINATOR, TOKENS)


async def test_a_coordinator_that_cannot_be_reached_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator_client, "COORDINATOR_PORT", 9)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NoAnswer, match=r"^Connection refused$"):
            await sync_workers(session, job(), COORDINATOR, TOKENS)


async def test_a_coordinator_that_does_not_answer_in_time_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError("the request is cancelled")

    app = web.Application()
    app.router.add_put("/v1/workers", wait)
    monkeypatch.setattr(coordinator_client, "TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    async with TestServer(app, shutdown_timeout=0.1) as server, aiohttp.ClientSession() as session:
        monkeypatch.setattr(coordinator_client, "COORDINATOR_PORT", server.port)
        with pytest.raises(NoAnswer, match=r"^no answer in time$"):
            await sync_workers(session, job(), COORDINATOR, TOKENS)


async def test_a_body_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = 0

    async def stream(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 64 * 2**20:
            await response.write(b"x" * 2**20)
            sent += 2**20
        return response

    app = web.Application()
    app.router.add_put("/v1/workers", stream)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        monkeypatch.setattr(coordinator_client, "COORDINATOR_PORT", server.port)
        with pytest.raises(NoAnswer):
            await sync_workers(session, job(), COORDINATOR, TOKENS)
    assert sent < 32 * 2**20


def test_a_new_coordinator_continues_from_the_last_answer_where_it_is_ahead_of_the_status() -> None:
    training = job(started(stage="Training", progress={"step": 5, "steps": 9, "percent": 55, "loss": "3.0"}))
    ledger = new_ledger(0).advance(9000, {}, "stepping")
    last = coordinator_status().model_copy(update={"progress": progress(step=7), "ledger": ledger})
    assert (desired_workers(training, None).step, desired_workers(training, last).step) == (5, 7)
    assert desired_workers(training, last).ledger == ledger
    suspended = job(started(stage="Suspended"))
    assert desired_workers(suspended, last).step == 0
