"""The status is shown when it has changed, and a coordinator that does not answer is skipped."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmtrain_api.job import JobSpec
from llmtrain_api.job_token import new_token
from llmtrain_api.protocol import JOB_HEADER, CoordinatorStatus
from llmtrain_api.run_config import RunConfig, run_config
from llmtrain_cli import status_poller
from llmtrain_cli.status_poller import StatusPoller
from support.local_run import JOB
from support.polling import DEADLINE_SECONDS
from support.ports import free_port

TOKEN = new_token()


def status(generation: int) -> CoordinatorStatus:
    """Return the status of a job of two ranks."""
    return CoordinatorStatus(state="Training", generation=generation, desired=2, joined=2, members=[])


class Coordinator:
    """Answers each request with the next answer, the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.uids: list[str | None] = []
        self.shown: list[CoordinatorStatus] = []
        self.poller: StatusPoller
        """A poller of this coordinator; what it shows is in `shown`."""
        self._silent = asyncio.Event()

    def answer(self, *answers: CoordinatorStatus | tuple[int, str]) -> None:
        """Set the next answers: a status, or an HTTP status with a text; status 0 is no answer."""
        self.answers = [
            (200, each.model_dump_json(by_alias=True)) if isinstance(each, CoordinatorStatus) else each
            for each in answers
        ]

    async def handle(self, request: web.Request) -> web.Response:
        self.uids.append(request.headers.get(JOB_HEADER))
        code, text = self.answers.pop(0) if self.answers[1:] else self.answers[0]
        if code == 0:
            await self._silent.wait()
        return web.Response(status=code or 200, text=text)


def config(address: str, token_file: Path) -> RunConfig:
    """Return the run config of a job with this coordinator."""
    return run_config(
        JobSpec.model_validate(JOB["spec"]),
        job="small",
        namespace="local",
        uid="uid-1",
        data_directory="/data",
        job_directory="/job",
        coordinator=address,
        token_file=str(token_file),
    )


@pytest.fixture
async def coordinator(tmp_path: Path) -> AsyncIterator[Coordinator]:
    (tmp_path / "token").write_text(TOKEN)
    found = Coordinator()
    application = web.Application()
    application.router.add_get("/v1/status", found.handle)
    async with TestServer(application, handler_cancellation=True) as server:
        found.poller = StatusPoller(config(f"{server.host}:{server.port}", tmp_path / "token"), found.shown.append)
        yield found


async def test_a_status_is_shown_once_until_it_changes(coordinator: Coordinator) -> None:
    coordinator.answer(status(1), status(1), status(2), status(1))
    for _ in range(4):
        await coordinator.poller.poll()
    assert [each.generation for each in coordinator.shown] == [1, 2, 1]


async def test_a_request_names_the_job(coordinator: Coordinator) -> None:
    coordinator.answer(status(1))
    await coordinator.poller.poll()
    assert coordinator.uids == ["uid-1"]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param((403, '{"error": "another job"}'), id="an answer for another job"),
        pytest.param((500, "oops"), id="an error"),
        pytest.param((200, '{"state": "Training"}'), id="an answer of another version"),
        pytest.param((0, ""), id="no answer in time"),
    ],
)
async def test_a_failure_is_skipped_and_the_next_answer_is_shown(
    coordinator: Coordinator, failure: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator.answer(status(1), failure, status(1), status(2))
    await coordinator.poller.poll()
    with monkeypatch.context() as patched:
        if failure[0] == 0:
            patched.setattr(status_poller, "TIMEOUT_SECONDS", 0.1)
        await coordinator.poller.poll()
    await coordinator.poller.poll()
    await coordinator.poller.poll()
    assert [each.generation for each in coordinator.shown] == [1, 2]


async def test_a_coordinator_that_has_not_started_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    shown: list[CoordinatorStatus] = []
    await StatusPoller(config(f"127.0.0.1:{free_port()}", tmp_path / "token"), shown.append).poll()
    assert shown == []


async def test_it_polls_until_it_is_cancelled(coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_poller, "POLL_SECONDS", 0.0)
    coordinator.answer(status(1), (500, "oops"), status(2), status(3))
    polling = asyncio.create_task(coordinator.poller.poll_forever())
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(coordinator.shown) < 3:
            await asyncio.sleep(0)
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling
