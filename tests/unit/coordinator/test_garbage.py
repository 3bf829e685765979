"""Whatever a message contains, it is answered, and so is every request after it."""

import time
from http import HTTPStatus

import pytest
from aiohttp.test_utils import TestClient, TestServer

from llmtrain_api.job_token import authorization, new_token
from llmtrain_api.protocol import (
    JOB_HEADER,
    BadStepInfo,
    CheckpointInfo,
    CheckpointWriteStats,
    CoordinatorStatus,
    DesiredWorkers,
    GenerationStart,
    Leave,
    Message,
    TimeSpent,
)
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_coordinator import server
from llmtrain_coordinator.goodput import Goodput
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.http_messages import JobIdentity
from llmtrain_coordinator.server import Coordinator
from llmtrain_operator.core.reported import read_coordinator_status
from support.garbage import garbled_json
from support.measurements import RecordMeasurement
from unit.coordinator.messages import heartbeat, join, progress

TOKEN = new_token()
NOW_MS = 1_795_000_000_000
PROGRESS = progress(1, 1).model_copy(
    update={
        "mfu": 0.5,
        "bad_steps": 1,
        "bad_step": BadStepInfo(step=1, microbatch=1, message="m"),
        "held_out_step": 1,
        "checkpoint": CheckpointInfo(step=1, time="2026-11-23T10:00:00.000Z", path="p"),
        "checkpoint_write": CheckpointWriteStats(seconds=1.0, size_bytes=1, volume_size_bytes=1, volume_free_bytes=1),
        "generation_start": GenerationStart(step=1, source="Memory", seconds=1.0),
        "time_spent": TimeSpent(compiling=1.0, evaluating=1.0, checkpoint=1.0),
    }
)
MESSAGES: dict[str, Message] = {
    "join": join("a0").model_copy(update={"step": 1}),
    "heartbeat": heartbeat("a0", 1, ranks=1).model_copy(update={"compute_seconds": 0.5}),
    "progress": PROGRESS,
    "leave": Leave(incarnation="a0", reason="Failed", exit_code=1, message="m", last_lines=["l"]),
    "workers": DesiredWorkers(workers=1, ledger=TimeLedger(until_ms=NOW_MS, ms={"stepping": 5}), step=1, now_ms=NOW_MS),
}


async def send(client: TestClient, name: str, text: str) -> int:
    """Send a message; return the status of the answer."""
    response = await client.request("PUT" if name == "workers" else "POST", f"/v1/{name}", data=text)
    await response.read()
    return response.status


async def train(client: TestClient) -> None:
    """Begin a generation, and report a step of it."""
    for name in ("workers", "join", "heartbeat", "progress"):
        await send(client, name, MESSAGES[name].model_dump_json(by_alias=True))


@pytest.mark.parametrize("name", MESSAGES)
async def test_a_message_can_contain_anything(
    name: str, monkeypatch: pytest.MonkeyPatch, record_measurement: RecordMeasurement
) -> None:
    monkeypatch.setattr(server, "heartbeat_seconds", lambda ranks: 0.0)
    cases = 0
    for place, text in garbled_json(MESSAGES[name].model_dump_json(by_alias=True)):
        cases += 1
        coordinator = Coordinator(
            JobIdentity(namespace="team", name="gpt", uid="uid-1", token=TOKEN),
            GroupState(workers=1, ranks_per_worker=1),
            Goodput(ledger=TimeLedger(until_ms=NOW_MS - 5000)),
            wall_clock=lambda: NOW_MS / 1000,
            clock=time.monotonic,
            join_poll_seconds=0.0,
        )
        headers = {JOB_HEADER: "uid-1", **authorization(TOKEN)}
        async with TestClient(TestServer(coordinator.application()), headers=headers) as client:
            await train(client)
            for _ in range(2):
                assert await send(client, name, text) != HTTPStatus.INTERNAL_SERVER_ERROR, (place, text[:200])
            await train(client)
            coordinator.check_leases()
            answers = [await client.get(path) for path in ("/metrics", "/v1/status", "/healthz")]
            assert [answer.status for answer in answers] == [HTTPStatus.OK] * 3, (place, text[:200])
            assert isinstance(read_coordinator_status(await answers[1].read()), CoordinatorStatus)
    record_measurement("garbage_cases", cases, "")
