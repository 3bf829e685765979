"""The memory of a rank does not grow over ten thousand steps and a hundred generations."""

import http.client
import json
from pathlib import Path

import pytest

from llmtrain_api.protocol import Join, Leave, Member
from support.polling import eventually
from support.training_job import SPEC, Job, Process, end, make_job

STEPS, GENERATIONS = 10_000, 100
MAX_GROWTH_MIB = 8.0
"""Growth that allocators and caches may cause after the first tenth."""
SMALL = {
    "model": {"layers": 1, "width": 16, "heads": 2, "contextLength": 16},
    "training": {**dict(SPEC["training"]), "steps": 10**6, "microbatchSize": 1},  # type: ignore[call-overload]
    "checkpoint": {"volume": "checkpoints", "everySteps": 1000, "keepLast": 1},
    "evaluation": {"everySteps": 1000},
}


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def request(job: Job, path: str, body: str, method: str = "POST") -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", job.port, timeout=60)
    connection.request(method, path, body, {**job.headers, "Content-Type": "application/json"})
    answer: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def step_of(job: Job) -> int:
    progress = job.status().progress
    return progress.step if progress else 0


def join_and_fail(job: Job, number: int) -> None:
    """Join as a worker that fails as soon as its generation starts."""
    member = Member(
        worker=1, local_rank=0, incarnation=f"member-{number}", address="127.0.0.1", store_port=1, numerics=""
    )
    answer = request(job, "/v1/join", Join(member=member).model_dump_json(by_alias=True, exclude_none=True))
    assert "members" in answer, answer
    leave = Leave(incarnation=member.incarnation, reason="Failed")
    request(job, "/v1/leave", leave.model_dump_json(by_alias=True, exclude_none=True))


@pytest.mark.timeout(600)
def test_the_memory_of_a_rank_does_not_grow(data: Path, dataset: str, tmp_path: Path) -> None:
    job = make_job(tmp_path, data, **{**SMALL, "training": {**SMALL["training"], "reduction": "Fast"}})  # type: ignore[dict-item]
    try:
        job.coordinator(workers=1)
        worker: Process = job.worker(0, dataset)
        eventually(lambda: bool(worker.events("firstStep")), "it trains")
        rank = worker.rank()
        reach(job, STEPS // 10)
        request(job, "/v1/workers", json.dumps({"workers": 2, "minWorkers": 1}), "PUT")
        for number in range(GENERATIONS // 10):
            join_and_fail(job, number)
        reach(job, step_of(job) + 100)
        before = resident_mib(rank), threads(rank)
        for number in range(GENERATIONS // 10, GENERATIONS):
            join_and_fail(job, number)
        reach(job, STEPS)
        after = resident_mib(rank), threads(rank)
        assert worker.rank() == rank
    finally:
        end(job)
    print(f"memory_growth_mib {after[0] - before[0]:.1f} MiB")
    assert after[0] - before[0] < MAX_GROWTH_MIB
    assert after[1] <= before[1] + 1


def reach(job: Job, step: int) -> None:
    """Wait until `step` steps are done."""
    while step_of(job) < step:
        before = step_of(job)
        eventually(lambda: step_of(job) > before, "it trains")  # noqa: B023
