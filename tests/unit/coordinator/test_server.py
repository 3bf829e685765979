"""The coordinator's protocol over HTTP."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from llmtrain_api.job_token import authorization, new_token
from llmtrain_api.model import Model
from llmtrain_api.protocol import JOB_HEADER, LEASE_SECONDS
from llmtrain_api.time_ledger import new_ledger
from llmtrain_coordinator import server
from llmtrain_coordinator.goodput import Goodput
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.http_messages import MAX_MESSAGE_BYTES, JobIdentity
from llmtrain_coordinator.server import Coordinator
from unit.coordinator.messages import heartbeat, join, leave, progress, scale

DEADLINE_SECONDS = 30.0
TOKEN = new_token()


class Clock:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class RankClients:
    """The ranks of two workers, which send messages to a coordinator over HTTP."""

    def __init__(self, coordinator: Coordinator, client: TestClient, clock: Clock, wall_clock: Clock) -> None:
        self.coordinator, self.client, self.clock, self.wall_clock = coordinator, client, clock, wall_clock

    async def send(self, path: str, message: Model, method: str = "POST") -> ClientResponse:
        """Send a message and return the response."""
        return await self.client.request(method, path, data=message.model_dump_json(by_alias=True))

    def hold_join(self, incarnation: str, generation: int = 0) -> asyncio.Task[ClientResponse]:
        """Send a join and return its pending response."""
        return asyncio.create_task(self.send("/v1/join", join(incarnation, generation)))

    async def wait_for_joined(self, number: int) -> None:
        """Wait until the coordinator has processed that many joins."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while self.coordinator.group.status().joined != number:
                await asyncio.sleep(0)

    async def hold_heartbeat(self, incarnation: str) -> asyncio.Task[ClientResponse]:
        """Send a heartbeat of the first generation; return its pending response when the coordinator holds it open."""
        message = heartbeat(incarnation, 1).model_copy(update={"compute_seconds": 0.5})
        held = asyncio.create_task(self.send("/v1/heartbeat", message))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while incarnation not in self.coordinator.snapshot().compute_seconds:
                await asyncio.sleep(0)
        return held

    async def wait_until_broken(self) -> None:
        """Wait until the generation has lost a member."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not self.coordinator.group.broken:
                self.coordinator.check_leases()
                await asyncio.sleep(0)

    async def begin_generation(self) -> None:
        """Begin the first generation."""
        first = self.hold_join("a0")
        await self.wait_for_joined(1)
        await self.send("/v1/join", join("a1"))
        await first


@pytest.fixture
async def ranks(request: pytest.FixtureRequest) -> AsyncIterator[RankClients]:
    clock, wall_clock = Clock(), Clock()
    coordinator = Coordinator(
        JobIdentity(namespace="team", name="gpt", uid="uid-1", token=TOKEN),
        GroupState(workers=2, ranks_per_worker=1, min_workers=1),
        Goodput(),
        clock=clock,
        wall_clock=wall_clock,
        join_poll_seconds=getattr(request, "param", 60.0),
    )
    test_server = TestServer(coordinator.application(), handler_cancellation=True)
    async with TestClient(test_server, headers={JOB_HEADER: "uid-1", **authorization(TOKEN)}) as client:
        yield RankClients(coordinator, client, clock, wall_clock)


@pytest.fixture
def endless_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a heartbeat be held for longer than the tests wait for its answer."""
    monkeypatch.setattr(server, "heartbeat_seconds", lambda ranks: 10 * DEADLINE_SECONDS)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, authorization(new_token())])
@pytest.mark.parametrize("path", ["/v1/join", "/v1/heartbeat", "/v1/progress", "/v1/leave", "/v1/status", "/v1/other"])
async def test_a_stranger_is_refused_whatever_it_asks(ranks: RankClients, path: str, headers: dict[str, str]) -> None:
    await ranks.begin_generation()
    server = ranks.client.server
    async with TestClient(server, headers={JOB_HEADER: "uid-1", **headers}) as stranger:
        for method in ("GET", "POST", "PUT"):
            response = await stranger.request(method, path, data=leave("a0", "Failed").model_dump_json(by_alias=True))
            assert (response.status, "generation" in await response.text()) == (401, False)
        assert (await stranger.get("/metrics")).status == (await stranger.get("/healthz")).status == 200
    assert ranks.coordinator.group.running


async def test_a_held_join_is_answered_when_the_last_rank_joins(ranks: RankClients) -> None:
    first = ranks.hold_join("a0")
    await ranks.wait_for_joined(1)
    second = await ranks.send("/v1/join", join("a1"))
    assert await (await first).json() == await second.json()
    assert [member["incarnation"] for member in (await second.json())["members"]] == ["a0", "a1"]


@pytest.mark.parametrize("ranks", [0.01], indirect=True)
async def test_a_join_that_times_out_is_answered_with_the_number_of_joined_ranks(ranks: RankClients) -> None:
    response = await ranks.send("/v1/join", join("a0"))
    assert await response.json() == {"waiting": True, "joined": 1, "desired": 2}


async def test_a_held_join_is_rejected_when_its_process_is_replaced(ranks: RankClients) -> None:
    old = ranks.hold_join("a0")
    await ranks.wait_for_joined(1)
    new = ranks.hold_join("b0")
    response = await old
    assert (response.status, "replaced" in (await response.json())["error"]) == (410, True)
    new.cancel()


async def test_a_held_join_is_rejected_when_its_worker_is_scaled_away(ranks: RankClients) -> None:
    held = ranks.hold_join("a1")
    await ranks.wait_for_joined(1)
    status = await (await ranks.send("/v1/workers", scale(1), "PUT")).json()
    assert ((await held).status, status["desired"], status["joined"]) == (410, 1, 0)


async def test_a_surplus_worker_is_rejected_with_the_size_of_the_job(ranks: RankClients) -> None:
    response = await ranks.send("/v1/join", join("a2"))
    assert response.status == 410
    error = (await response.json())["error"]
    assert error == "worker 2 rank 0 is not part of the job: the job has 2 workers of 1 ranks."


async def test_a_rank_of_a_newer_term_is_rejected(ranks: RankClients) -> None:
    newer = join("a0").model_copy(update={"term": 1})
    response = await ranks.send("/v1/join", newer)
    assert response.status == 503
    assert (await response.json())["error"] == "A coordinator of term 1 has taken over from this one."
    assert ranks.coordinator.group.status().joined == 0


async def test_a_silent_member_breaks_its_generation(ranks: RankClients) -> None:
    await ranks.begin_generation()
    for tenth in range(1, 21):
        ranks.clock.now = tenth / 10
        await ranks.send("/v1/heartbeat", heartbeat("a0", 0))  # of an old generation: answered at once
        ranks.coordinator.check_leases()
    assert await (await ranks.send("/v1/heartbeat", heartbeat("a0", 1))).json() == {"generation": 2, "broken": True}
    assert ranks.coordinator.group.lost_members == 1


@pytest.mark.usefixtures("endless_heartbeats")
async def test_a_held_heartbeat_is_answered_when_its_generation_ends(ranks: RankClients) -> None:
    await ranks.begin_generation()
    held = await ranks.hold_heartbeat("a0")
    await ranks.send("/v1/leave", leave("a1", "Stopped"))
    response = await asyncio.wait_for(held, DEADLINE_SECONDS)
    assert await response.json() == {"generation": 2, "broken": False}


async def test_a_heartbeat_is_answered_when_the_next_one_is_due(ranks: RankClients) -> None:
    await ranks.begin_generation()
    assert (await (await ranks.send("/v1/heartbeat", heartbeat("a0", 1))).json())["generation"] == 1


@pytest.mark.usefixtures("endless_heartbeats")
async def test_a_member_whose_connection_closes_is_lost(ranks: RankClients) -> None:
    await ranks.begin_generation()
    held = await ranks.hold_heartbeat("a1")
    held.cancel()
    await ranks.wait_until_broken()
    assert ranks.coordinator.group.lost_members == 1


async def test_a_member_whose_connection_closes_between_two_heartbeats_is_lost(ranks: RankClients) -> None:
    await ranks.begin_generation()
    await (await ranks.send("/v1/heartbeat", heartbeat("a1", 1))).read()
    ranks.coordinator.check_leases()
    assert ranks.coordinator.group.running
    await ranks.client.session.connector.close()  # type: ignore[union-attr]
    await ranks.wait_until_broken()


async def test_a_member_on_its_way_to_the_next_generation_is_not_lost_when_its_connection_closes(
    ranks: RankClients,
) -> None:
    """It opens another connection to join, which can take longer than two checks."""
    await ranks.begin_generation()
    await (await ranks.send("/v1/heartbeat", heartbeat("a1", 1))).read()
    await ranks.send("/v1/leave", leave("a0", "Stopped"))
    assert not ranks.coordinator.group.running
    await ranks.client.session.connector.close()  # type: ignore[union-attr]
    for _ in range(20):
        ranks.coordinator.check_leases()
        await asyncio.sleep(0)
    assert (ranks.coordinator.group.lost_members, ranks.coordinator.group.broken) == (0, False)
    ranks.clock.now = 2 * LEASE_SECONDS
    ranks.coordinator.check_leases()
    assert ranks.coordinator.group.lost_members


async def test_a_held_join_renews_its_lease(ranks: RankClients) -> None:
    held = ranks.hold_join("a0")
    await ranks.wait_for_joined(1)
    for second in range(1, 31):
        ranks.clock.now = float(second)
        ranks.coordinator.check_leases()
    assert ranks.coordinator.group.status().joined == 1
    held.cancel()


async def test_the_status_has_the_progress_of_a_finished_job(ranks: RankClients) -> None:
    await ranks.begin_generation()
    await ranks.send("/v1/progress", progress(1, 10))
    for incarnation in ("a0", "a1"):
        await ranks.send("/v1/leave", leave(incarnation, "Finished"))
    status = await (await ranks.client.get("/v1/status")).json()
    assert (status["state"], status["progress"]["step"], status["firstLoss"]) == ("Finished", 10, 2.0)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "error"),
    [
        pytest.param("POST", "/v1/join", {JOB_HEADER: "uid-2"}, "{}", 403, "another uid", id="of another job"),
        pytest.param("POST", "/v1/join", {}, "join", 400, "Invalid JSON", id="without JSON"),
        pytest.param(
            "POST", "/v1/leave", {}, '{"incarnation": "a0"}', 400, "reason: Field required", id="with a missing field"
        ),
        pytest.param(
            "PUT", "/v1/workers", {}, '{"workers": 0}', 400, "workers: Input should be greater", id="with a wrong value"
        ),
        pytest.param(
            "POST",
            "/v1/join",
            {},
            "x" * (MAX_MESSAGE_BYTES + 1),
            413,
            "at most 1048576 bytes",
            id="with too many bytes",
        ),
        pytest.param("GET", "/v2", {}, "", 404, "GET /v2: Not Found.", id="to an unknown path"),
    ],
)
async def test_a_request_is_answered_with_an_error(
    ranks: RankClients, method: str, path: str, headers: dict[str, str], body: str, status: int, error: str
) -> None:
    response = await ranks.client.request(method, path, data=io.BytesIO(body.encode()), headers=headers)
    assert response.status == status
    assert error in (await response.json())["error"]


async def test_unknown_fields_of_a_newer_operator_are_ignored(ranks: RankClients) -> None:
    """A running job keeps its coordinator's image when the operator is upgraded."""
    response = await ranks.client.request("PUT", "/v1/workers", data='{"workers": 1, "colour": {"of": "later"}}')
    assert (response.status, ranks.coordinator.group.workers) == (200, 1)


async def test_prometheus_and_the_kubelet_need_no_header(ranks: RankClients) -> None:
    without_uid = {JOB_HEADER: ""}
    assert (await ranks.client.get("/healthz", headers=without_uid)).status == 200
    metrics = await ranks.client.get("/metrics", headers=without_uid)
    assert 'llmtrain_job_ranks_desired{namespace="team",training_job="gpt"} 2.0' in await metrics.text()


async def test_the_ledger_follows_the_operators_clock(ranks: RankClients) -> None:
    ranks.wall_clock.now = 1_000.0
    desired = scale(2).model_copy(update={"ledger": new_ledger(5_000_000), "now_ms": 5_003_000})
    await ranks.send("/v1/workers", desired, "PUT")
    ranks.wall_clock.now = 1_001.5
    await ranks.begin_generation()
    assert (await (await ranks.client.get("/v1/status")).json())["ledger"] == {
        "untilMs": 5_004_500,
        "ms": {"starting": 4_500},
    }
