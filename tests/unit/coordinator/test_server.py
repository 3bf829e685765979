"""The protocol over HTTP."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from llmtrain_api.model import Model
from llmtrain_api.protocol import HEARTBEAT_SECONDS, JOB_HEADER
from llmtrain_api.time_ledger import new_ledger
from llmtrain_coordinator.server import MOST_BYTES, Coordinator
from unit.coordinator.messages import beating, joining, leaving, progressing, wanting


class Clock:
    """A clock that stands until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Trainers:
    """Speaks to a coordinator of two workers over HTTP."""

    def __init__(self, coordinator: Coordinator, client: TestClient, clock: Clock) -> None:
        self.coordinator, self.client, self.clock = coordinator, client, clock

    async def say(self, path: str, message: Model, method: str = "POST") -> ClientResponse:
        return await self.client.request(method, path, data=message.model_dump_json(by_alias=True))

    def hold(self, incarnation: str, generation: int = 0) -> asyncio.Task[ClientResponse]:
        return asyncio.create_task(self.say("/v1/join", joining(incarnation, generation)))

    async def until_joined(self, number: int) -> None:
        async with asyncio.timeout(5):
            while self.coordinator.roster.status().joined != number:
                await asyncio.sleep(0)

    async def begin(self) -> None:
        first = self.hold("a0")
        await self.until_joined(1)
        await self.say("/v1/join", joining("a1"))
        await first


@pytest.fixture
async def trainers(request: pytest.FixtureRequest) -> AsyncIterator[Trainers]:
    clock = Clock()
    coordinator = Coordinator(
        namespace="team",
        job="gpt",
        uid="uid-1",
        workers=2,
        ranks_per_worker=1,
        clock=clock,
        join_poll_seconds=getattr(request, "param", 60.0),
    )
    server = TestServer(coordinator.application(), handler_cancellation=True)
    async with TestClient(server, headers={JOB_HEADER: "uid-1"}) as client:
        yield Trainers(coordinator, client, clock)


async def test_a_held_join_is_answered_when_the_last_one_joins(trainers: Trainers) -> None:
    first = trainers.hold("a0")
    await trainers.until_joined(1)
    second = await trainers.say("/v1/join", joining("a1"))
    assert await (await first).json() == await second.json()
    assert [member["incarnation"] for member in (await second.json())["members"]] == ["a0", "a1"]


@pytest.mark.parametrize("trainers", [0.01], indirect=True)
async def test_a_join_whose_time_is_over_says_how_many_are_there(trainers: Trainers) -> None:
    response = await trainers.say("/v1/join", joining("a0"))
    assert await response.json() == {"waiting": True, "joined": 1, "desired": 2}


async def test_a_held_join_is_refused_when_its_process_is_replaced(trainers: Trainers) -> None:
    old = trainers.hold("a0")
    await trainers.until_joined(1)
    new = trainers.hold("b0")
    response = await old
    assert (response.status, "replaced" in (await response.json())["error"]) == (410, True)
    new.cancel()


async def test_a_held_join_is_refused_when_its_worker_is_not_wanted_any_more(trainers: Trainers) -> None:
    held = trainers.hold("a1")
    await trainers.until_joined(1)
    status = await (await trainers.say("/v1/workers", wanting(1), "PUT")).json()
    assert ((await held).status, status["desired"], status["joined"]) == (410, 1, 0)


async def test_a_worker_beyond_the_wanted_is_told_so(trainers: Trainers) -> None:
    response = await trainers.say("/v1/join", joining("a2"))
    assert response.status == 410
    assert (await response.json())["error"] == "worker 2 rank 0 is not wanted: the job has 2 workers of 1 ranks."


async def test_whoever_has_a_newer_coordinator_is_sent_to_it(trainers: Trainers) -> None:
    newer = joining("a0").model_copy(update={"term": 1})
    response = await trainers.say("/v1/join", newer)
    assert response.status == 503
    assert (await response.json())["error"] == "A coordinator of term 1 has taken over from this one."
    assert trainers.coordinator.roster.status().joined == 0


async def test_silence_breaks_a_generation(trainers: Trainers) -> None:
    await trainers.begin()
    for tenth in range(1, 21):
        trainers.clock.now = tenth / 10
        trainers.coordinator._leases.renew("a0", trainers.clock.now)
        trainers.coordinator.check_leases()
    assert await (await trainers.say("/v1/heartbeat", beating("a0", 1))).json() == {"generation": 2, "broken": True}
    assert trainers.coordinator.roster.lost_members == 1


async def test_a_held_heartbeat_is_answered_when_its_generation_ends(trainers: Trainers) -> None:
    await trainers.begin()
    began = asyncio.get_running_loop().time()
    held = asyncio.create_task(trainers.say("/v1/heartbeat", beating("a0", 1)))
    await asyncio.sleep(0)
    await trainers.say("/v1/leave", leaving("a1", "Stopped"))
    assert await (await held).json() == {"generation": 2, "broken": False}
    assert asyncio.get_running_loop().time() - began < HEARTBEAT_SECONDS


async def test_a_heartbeat_is_answered_when_the_next_is_due(trainers: Trainers) -> None:
    await trainers.begin()
    assert (await (await trainers.say("/v1/heartbeat", beating("a0", 1))).json())["generation"] == 1


async def test_a_member_whose_connection_closes_is_dead(trainers: Trainers) -> None:
    await trainers.begin()
    held = asyncio.create_task(trainers.say("/v1/heartbeat", beating("a1", 1)))
    await asyncio.sleep(HEARTBEAT_SECONDS / 4)
    held.cancel()
    async with asyncio.timeout(HEARTBEAT_SECONDS / 2):
        while not trainers.coordinator.roster.broken:
            await asyncio.sleep(0)
    assert trainers.coordinator.roster.lost_members == 1


async def test_a_connection_that_closes_between_two_heartbeats_is_a_death_too(trainers: Trainers) -> None:
    await trainers.begin()
    await (await trainers.say("/v1/heartbeat", beating("a1", 1))).read()
    trainers.coordinator.check_leases()
    assert trainers.coordinator.roster.running
    await trainers.client.session.connector.close()  # type: ignore[union-attr]
    async with asyncio.timeout(5):
        while not trainers.coordinator.roster.broken:
            trainers.coordinator.check_leases()
            await asyncio.sleep(0)


async def test_whoever_holds_a_join_open_is_not_silent(trainers: Trainers) -> None:
    held = trainers.hold("a0")
    await trainers.until_joined(1)
    for second in range(1, 31):
        trainers.clock.now = float(second)
        trainers.coordinator.check_leases()
    assert trainers.coordinator.roster.status().joined == 1
    held.cancel()


async def test_progress_and_the_end_are_in_the_status(trainers: Trainers) -> None:
    await trainers.begin()
    await trainers.say("/v1/progress", progressing(1, 10))
    for incarnation in ("a0", "a1"):
        await trainers.say("/v1/leave", leaving(incarnation, "Finished"))
    status = await (await trainers.client.get("/v1/status")).json()
    assert (status["state"], status["progress"]["step"], status["firstLoss"]) == ("Finished", 10, 2.0)


REFUSALS = [
    ("another job", "POST", "/v1/join", {JOB_HEADER: "uid-2"}, "{}", 403, "another uid"),
    ("no JSON", "POST", "/v1/join", {}, "joining", 400, "Invalid JSON"),
    ("a missing field", "POST", "/v1/leave", {}, '{"incarnation": "a0"}', 400, "reason: Field required"),
    ("a wrong value", "PUT", "/v1/workers", {}, '{"workers": 0}', 400, "workers: Input should be greater"),
    ("too many bytes", "POST", "/v1/join", {}, "x" * (MOST_BYTES + 1), 413, "at most 1048576 bytes"),
    ("an unknown path", "GET", "/v2", {}, "", 404, "GET /v2: Not Found."),
]


@pytest.mark.parametrize(
    ("sentence", "method", "path", "headers", "body", "status", "said"), REFUSALS, ids=[c[0] for c in REFUSALS]
)
async def test_refusal(
    trainers: Trainers,
    sentence: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: str,
    status: int,
    said: str,
) -> None:
    response = await trainers.client.request(method, path, data=io.BytesIO(body.encode()), headers=headers)
    assert response.status == status
    assert said in (await response.json())["error"]


async def test_what_a_newer_operator_says_beside_is_passed_over(trainers: Trainers) -> None:
    """A running job keeps its coordinator's image when the operator is upgraded."""
    response = await trainers.client.request("PUT", "/v1/workers", data='{"workers": 1, "colour": {"of": "later"}}')
    assert (response.status, trainers.coordinator.roster.workers) == (200, 1)


async def test_prometheus_and_the_kubelet_need_no_header(trainers: Trainers) -> None:
    nobody = {JOB_HEADER: ""}
    assert (await trainers.client.get("/healthz", headers=nobody)).status == 200
    metrics = await trainers.client.get("/metrics", headers=nobody)
    assert 'llmtrain_job_ranks_desired{namespace="team",training_job="gpt"} 2.0' in await metrics.text()


async def test_the_operators_clock_counts(trainers: Trainers) -> None:
    trainers.coordinator._wall = lambda: 1_000.0
    wanted = wanting(2).model_copy(update={"ledger": new_ledger(5_000_000), "now_ms": 5_003_000})
    await trainers.say("/v1/workers", wanted, "PUT")
    trainers.coordinator._wall = lambda: 1_001.5
    await trainers.begin()
    assert (await (await trainers.client.get("/v1/status")).json())["ledger"] == {
        "untilMs": 5_004_500,
        "ms": {"starting": 4_500},
    }
