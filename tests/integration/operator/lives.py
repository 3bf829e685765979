"""Whole lives of jobs under an operator that is disturbed, and the end that all of them must come to."""

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from llmtrain_api.termination import TerminationMessage
from support.api_proxy import ApiProxy, Interference, Write
from support.control_plane import Administrator, absent_is_fine
from support.job_life import JobScript, Life
from support.measurements import RecordMeasurement
from support.operator_processes import Operators
from support.played_cluster import PlayedCluster

LIVES_AT_ONCE = 4 * (os.cpu_count() or 1)
END_SECONDS = 400.0
"""How long a life may take, whatever happens to its operator."""
POLL_SECONDS = 0.1
QUIET_SECONDS = 0.5
"""How long nothing must change at the end."""
COMPLETED = TerminationMessage(reason="Completed")
CRASHED = TerminationMessage(reason="Crashed", message="a rank died", last_lines=["boom"])


async def worker_fails(life: Life) -> None:
    """Let a worker fail once in the middle of the training, and then complete it."""
    workers = life.running("worker")
    if not life.failed and life.is_training(generation=1):
        life.failed = True
        await life.annotate()
        await life.end(workers[1], CRASHED, exit_code=1)
    elif life.failed and life.is_training(generation=2):
        await complete(life)


async def suspended_and_resumed(life: Life) -> None:
    """Suspend the job in the middle of the training, resume it when it has stopped, and then complete it."""
    if not life.suspended and life.is_training(generation=1):
        life.suspended, life.term = True, life.status["coordinatorTerm"]
        await life.admin.merge(life.path, {"spec": {"suspend": True}})
    elif life.suspended and conditions_of(life.status).get("Suspended") == ("True", "Suspended"):
        await life.admin.merge(life.path, {"spec": {"suspend": False}})
    elif life.suspended and life.is_training(generation=1) and life.status["coordinatorTerm"] > life.term:
        await complete(life)


async def deleted_midway(life: Life) -> None:
    """Delete the job in the middle of the training."""
    if not life.deleted and life.is_training(generation=1):
        life.deleted = True
        await life.admin.send("DELETE", life.path, {"propagationPolicy": "Background"})


async def complete(life: Life) -> None:
    """Let all workers complete the training."""
    for pod in life.running("worker"):
        await absent_is_fine(life.end(pod, COMPLETED))


@dataclass(frozen=True, kw_only=True)
class FinalState:
    """What is left of a life. Two lives by one script must have equal ends."""

    status: dict[str, Any]
    """The status of the job, without times, uids and figures that depend on time."""
    claims: tuple[str, ...]
    children: tuple[str, ...]
    """What is left besides the job and the claims."""
    created: Counter[str]
    """How often each object was created."""

    def difference(self, expected: "FinalState") -> str:
        """Return how this end differs from the expected one, besides objects; empty if it does not."""
        pairs = {**dict.fromkeys(expected.status), **dict.fromkeys(self.status)}
        found = [
            f"status.{key} is {self.status.get(key)} instead of {expected.status.get(key)}"
            for key in pairs
            if self.status.get(key) != expected.status.get(key)
        ]
        claims = [f"claims {self.claims} instead of {expected.claims}"] if self.claims != expected.claims else []
        missing = [f"{each} was not created" for each in (expected.created - self.created).elements()]
        return "; ".join((*found, *claims, *missing))


@dataclass(frozen=True, kw_only=True)
class Record:
    """A life that has ended, and the writes that led there."""

    end: FinalState
    writes: tuple[Write, ...]


@dataclass(kw_only=True)
class Comparison:
    """What distinguishes the ends of disturbed lives from those of undisturbed ones."""

    cases: int = 0
    orphans: int = 0
    duplicates: int = 0
    differences: list[str] = field(default_factory=list)

    def add(self, label: str, end: FinalState, expected: FinalState) -> None:
        """Judge one life."""
        duplicates = tuple((end.created - expected.created).elements())
        self.cases += 1
        self.orphans += len(end.children)
        self.duplicates += len(duplicates)
        found = {"orphans": end.children, "duplicates": duplicates, "difference": end.difference(expected)}
        self.differences += [f"{label}: {name}: {value}" for name, value in found.items() if value]

    def report(self, record_measurement: RecordMeasurement, cases: str) -> None:
        """Report the figures; AssertionError if a life came to another end."""
        record_measurement(cases, self.cases, "")
        record_measurement("orphans", self.orphans, "")
        record_measurement("duplicates", self.duplicates, "")
        assert not self.differences, "\n".join(self.differences)


@dataclass(kw_only=True)
class Laboratory:
    """An API server with a played cluster, and operators."""

    admin: Administrator
    cluster: PlayedCluster
    operators: Operators
    names: Counter[str] = field(default_factory=Counter)

    def namespace(self, prefix: str) -> str:
        """Return the name of a namespace that has not been used."""
        self.names[prefix] += 1
        return f"{prefix}-{self.names[prefix]}"

    async def live(self, script: JobScript, interference: Interference | None = None, *, prefix: str) -> "Record":
        """Run a life with an operator of its own, which is started again when it ends; return what happened."""
        namespace = self.namespace(prefix)
        proxy = ApiProxy(self.admin.session, interference or Interference(), namespace)
        async with proxy.running():
            supervisor = asyncio.create_task(self.supervise(proxy, namespace))
            try:
                return await self.live_at(proxy, script, namespace)
            finally:
                supervisor.cancel()

    async def live_at(self, proxy: ApiProxy, script: JobScript, namespace: str) -> "Record":
        """Run a life with the operator that uses a proxy; return what happened."""
        try:
            life = await self.cluster.live(namespace, script)
            end = await self.end_of(life, proxy)
        finally:
            self.cluster.remove(namespace)
        return Record(end=end, writes=tuple(proxy.writes[namespace]))

    async def supervise(self, proxy: ApiProxy, namespace: str) -> None:
        """Keep one operator running, as the kubelet does."""
        while True:
            operator = await self.operators.start(proxy.url, namespace=namespace)
            proxy.interference.operator = operator
            try:
                await operator.ended()
            finally:
                operator.kill()

    async def end_of(self, life: Life, proxy: ApiProxy) -> FinalState:
        """Wait for the end of a life, and return it; if it does not come in time, what there is instead."""
        deadline = time.monotonic() + END_SECONDS
        quiet_since = None
        while quiet_since is None or time.monotonic() < quiet_since + QUIET_SECONDS:
            await asyncio.sleep(POLL_SECONDS)
            children = await life.children() if life.is_over else []
            quiet_since = None if children or not life.is_over else quiet_since or time.monotonic()
            if time.monotonic() > deadline:
                children = await life.children() or [f"{life.path} in stage {life.status.get('stage')}"]
                print(f"{life.namespace} has not ended:\n{self.operators.log(life.namespace)[-8000:]}")
                break
        return FinalState(
            status=timeless(life.status),
            claims=tuple(await life.claims()),
            children=tuple(children),
            created=created_objects(proxy.writes[life.namespace]),
        )


def created_objects(writes: Iterable[Write]) -> Counter[str]:
    """Return how often each object was created."""
    created = (write for write in writes if write.method == "POST" and write.status == 201)
    names = (f"{write.plural}/{write.name}" for write in created if write.plural != "events")
    return Counter(re.sub("-[0-9a-f]{8}$", "", name) for name in names)  # without the uid of the job


def conditions_of(status: Any) -> dict[str, tuple[str, str]]:
    """Return the status and reason of each condition, by type."""
    return {each["type"]: (each["status"], each["reason"]) for each in status.get("conditions", [])}


def timeless(status: Any) -> dict[str, Any]:
    """Return what a status says that does not depend on when it was written."""
    recoveries = status.get("recoveries", {})
    same = ("observedGeneration", "stage", "trainingCompleted", "dataset", "model", "workers", "progress")
    return {
        **{key: status.get(key) for key in same},
        "conditions": conditions_of(status),
        "recoveries": {key: recoveries.get(key) for key in ("count", "disruptions", "byMethod", "replayedSteps")},
        "incidents": len(recoveries.get("times", [])),
        "failures": [(each["pod"], each["reason"], each["exitCode"]) for each in recoveries.get("recent", [])],
        "firstFailure": status.get("firstFailure", {}).get("lastLines"),
    }
