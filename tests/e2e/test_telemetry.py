"""A real Prometheus that scrapes a run with one kill and one rescale tells what the trainer and its containers tell."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from e2e.jobs import job
from e2e.kube import Kube
from e2e.nodes import kill
from e2e.scraping import Targets
from prometheus import Prometheus, running_prometheus

STEPS, MICROBATCHES, MICROBATCH_SIZE, CONTEXT = 600, 4, 2, 64
OF_JOB = '{namespace="e2e", training_job="%s"}'


@pytest.fixture(scope="module")
def prometheus(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A server that scrapes every annotated pod of the cluster each second."""
    folder = tmp_path_factory.mktemp("prometheus")
    targets = Targets(kube, folder)
    try:
        with running_prometheus(folder, [targets.scrape_config()]) as server:
            yield server
    finally:
        targets.end()


def test_queries_give_what_the_trainer_logged(kube: Kube, new_job: str, prometheus: Prometheus) -> None:
    spec = {"steps": STEPS, "microbatches": MICROBATCHES, "microbatchSize": MICROBATCH_SIZE}
    workers = {"replicas": 2, "min": 1, "max": 3, "resources": {"cpu": "500m", "memory": "1Gi"}}
    kube.apply(job(new_job, training=spec, workers=workers, evaluation={"everySteps": 200, "sample": {"tokens": 8}}))
    kube.wait_for_step(new_job, 30)
    kill(kube, kube.get("pod", f"{new_job}-worker-1"))
    kube.wait("the recovery is told", lambda: kube.status(new_job)["recoveries"]["rungs"]["pod"] == 1)
    kube.run("scale", f"ltj/{new_job}", "--replicas=1")
    status = kube.wait_for_stage(new_job, "Succeeded", 300)
    labels = OF_JOB % new_job

    def newest(metric: str) -> dict[tuple[str, ...], float]:
        """Return the last value of a metric that went with its coordinator, by its own labels."""
        found = prometheus.query(f"last_over_time({metric}{labels}[10m])")
        return {
            tuple(v for k, v in sorted(series.labels.items()) if k in ("rung", "kind")): series.value
            for series in found
        }

    log = next(entry["lines"] for entry in status["logs"] if entry["pod"] == f"{new_job}-worker-0")
    assert newest("llmtrain_job_recoveries_total") == {("pod",): 1}
    assert status["recoveries"]["rungs"] == {"process": 0, "pod": 1, "checkpoint": 0}
    (done,) = [json.loads(line)["step"] for line in reversed(log) if '"event": "step"' in line][:1]
    assert done == STEPS, "the last step is logged"
    assert newest("llmtrain_job_tokens")[()] == done * MICROBATCHES * MICROBATCH_SIZE * CONTEXT
    seconds = newest("llmtrain_job_seconds_total")
    told = sum(seconds.values())
    assert newest("llmtrain_job_goodput_ratio")[()] == pytest.approx(seconds["stepping",] / told, abs=0.001)
    kept = {kind: float(value) for kind, value in status["goodput"]["seconds"].items()}
    assert seconds["stepping",] == pytest.approx(kept["stepping"], abs=0.5), "the status has the same account"
    created = datetime.fromisoformat(kube.get("ltj", new_job)["metadata"]["creationTimestamp"])
    life = (datetime.fromisoformat(status["finishTime"]) - created).total_seconds()
    assert sum(kept.values()) == pytest.approx(life, abs=0.01)
    gone = "the series of a job end with its coordinator"
    kube.wait(gone, lambda: not prometheus.query(f"llmtrain_job_step{labels}"), 30)


def test_every_exporter_is_scraped(kube: Kube, prometheus: Prometheus) -> None:
    def up() -> dict[str, Any] | None:
        found = prometheus.query("llmtrain_operator_leader == 1")
        return {series.labels["instance"]: series.value for series in found} or None

    assert len(kube.wait("the operator's leader is scraped", up, 30)) == 1


def test_targets_are_written_privately(kube: Kube, tmp_path: Path) -> None:
    targets = Targets(kube, tmp_path)
    targets.end()
    assert (tmp_path / "client-key").stat().st_mode & 0o077 == 0
