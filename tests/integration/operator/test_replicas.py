"""Of two operators exactly one acts, even if calls of its Lease are never answered or a clock is wrong by an hour."""

import asyncio
import itertools
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from integration.operator.lives import Laboratory, created_objects, worker_fails
from support.api_proxy import ApiProxy, Call, Interference
from support.job_life import Life
from support.operator_processes import Operator, Operators

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(300)]
SHIFTED_CLOCK = Path(__file__).with_name("shifted_clock.c")
HOUR = 3600
LEASE_SECONDS = 15
WAIT_SECONDS = 120
POLL_SECONDS = 0.1


PAIRS_AT_ONCE = 2
"""More of them could keep each other from renewing their Leases in time on a small machine."""


class Replica(Interference):
    """One of two operators: records its writes in a log that both share, and can lose its Lease calls."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log
        self.is_cut_off = False

    async def before(self, call: Call) -> web.Response | None:
        """Accept calls of the Lease and never answer them, while the replica is cut off."""
        if call.plural == "leases" and self.is_cut_off:
            await asyncio.Event().wait()
        return None

    async def after(self, call: Call, answer: web.Response) -> web.Response:
        """Record a write."""
        if call.number:
            self.log.append(self.name)
        return answer


Disturbance = Callable[["Pair"], Awaitable[None]]
"""What happens to the first replica, which leads, or to the second one."""


class Pair:
    """Two operators of one namespace, and a job that trains until `resume`."""

    def __init__(self, laboratory: Laboratory, prefix: str) -> None:
        self.laboratory, self.namespace = laboratory, laboratory.namespace(prefix)
        self.log: list[str] = []
        self.replicas = {name: Replica(name, self.log) for name in ("first", "second")}
        self.processes: dict[str, Operator] = {}
        self.training, self.resumed = asyncio.Event(), asyncio.Event()

    async def script(self, life: Life) -> None:
        """Let a worker fail, but not before the test says so."""
        if life.is_training(generation=1):
            self.training.set()
        if self.resumed.is_set():
            await worker_fails(life)

    async def run(self, first: Operators, second: Operators, disturb: "Disturbance") -> Counter[str]:
        """Run a life: `disturb` acts while the job trains. Return how often each object was created."""
        session = self.laboratory.admin.session
        proxies = {name: ApiProxy(session, replica, self.namespace) for name, replica in self.replicas.items()}
        async with proxies["first"].running(), proxies["second"].running():
            life = asyncio.create_task(self.laboratory.live_at(proxies["second"], self.script, self.namespace))
            for name, operators in (("first", first), ("second", second)):
                url = proxies[name].url
                self.processes[name] = await operators.start(url, namespace=self.namespace, name=name)
                await self.holder_is("first")
            await asyncio.wait_for(self.training.wait(), WAIT_SECONDS)
            await disturb(self)
            self.resumed.set()
            self.laboratory.cluster.lives[self.namespace].changed.set()
            end = (await life).end
            for process in self.processes.values():
                process.kill()
        assert (end.status["stage"], end.status["recoveries"]["count"], end.children) == ("Succeeded", 1, ())
        return sum((created_objects(proxy.writes[self.namespace]) for proxy in proxies.values()), Counter())

    async def holder_is(self, name: str) -> None:
        """Wait until a replica holds the Lease; AssertionError with its log if it ends before."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        async with asyncio.timeout(WAIT_SECONDS):
            while [each["spec"]["holderIdentity"] for each in await self.laboratory.admin.items(path)] != [name]:
                assert self.processes[name].is_alive, self.laboratory.operators.log(self.namespace)
                await asyncio.sleep(POLL_SECONDS)

    @property
    def turns(self) -> list[str]:
        """Which replicas have written, one after the other."""
        return [name for name, _ in itertools.groupby(self.log)]


async def leave_in_peace(pair: Pair) -> None:
    """Wait for longer than the Lease lasts."""
    await asyncio.sleep(LEASE_SECONDS + 2)


async def cut_off_the_leader(pair: Pair) -> None:
    """Answer no more Lease calls of the leader, until the other replica has taken over."""
    pair.replicas["first"].is_cut_off = True
    await pair.holder_is("second")
    await asyncio.wait_for(pair.processes["first"].ended(), WAIT_SECONDS)


async def kill_the_leader_later(pair: Pair) -> None:
    """Wait for longer than the Lease lasts, then kill the leader, and wait until the other replica has taken over."""
    await leave_in_peace(pair)
    assert pair.turns == ["first"]
    pair.processes["first"].kill()
    await pair.holder_is("second")


@pytest.fixture
async def clocks(laboratory: Laboratory, tmp_path: Path) -> AsyncIterator[dict[int, Operators]]:
    """Operators by the seconds that their wall clocks are wrong by."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.fail("the shifted clock is C and there is no cc: install a C compiler (Debian: apt-get install gcc).")
    library = tmp_path / "shifted_clock.so"
    options = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared")
    subprocess.run([compiler, *options, str(SHIFTED_CLOCK), "-o", str(library), "-ldl"], check=True)
    shifted = {
        seconds: await Operators.prepare(tmp_path, LD_PRELOAD=str(library), CLOCK_SHIFT_SECONDS=str(seconds))
        for seconds in (HOUR, -HOUR)
    }
    yield {0: laboratory.operators, **shifted}
    for operators in shifted.values():
        await operators.stop()


async def test_exactly_one_replica_acts(laboratory: Laboratory, clocks: dict[int, Operators]) -> None:
    right, ahead, behind = clocks[0], clocks[HOUR], clocks[-HOUR]
    cases: list[tuple[Operators, Operators, Disturbance, list[str]]] = [
        (right, right, leave_in_peace, ["first"]),
        (right, right, cut_off_the_leader, ["first", "second"]),
        (right, ahead, kill_the_leader_later, ["first", "second"]),
        (right, behind, kill_the_leader_later, ["first", "second"]),
        (ahead, right, kill_the_leader_later, ["first", "second"]),
        (behind, right, kill_the_leader_later, ["first", "second"]),
    ]
    undisturbed = await laboratory.live(worker_fails, prefix="alone")
    pairs = [Pair(laboratory, "pair") for _ in cases]
    room = asyncio.Semaphore(PAIRS_AT_ONCE)

    async def run(pair: Pair, first: Operators, second: Operators, disturb: Disturbance) -> Counter[str]:
        async with room:
            return await pair.run(first, second, disturb)

    created = await asyncio.gather(
        *(run(pair, first, second, disturb) for pair, (first, second, disturb, _) in zip(pairs, cases, strict=True))
    )
    assert [pair.turns for pair in pairs] == [turns for _, _, _, turns in cases]
    assert created == [undisturbed.end.created] * len(cases)
