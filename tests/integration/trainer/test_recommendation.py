"""Recommenders have the same weights and scores at any number of workers, and after a rank was killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exact_jobs import ExactJobs
from support.exact_tasks import make_exact_job, write_volume


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data volume with a log of events."""
    volume = tmp_path_factory.mktemp("events")
    write_volume(volume)
    return volume


@pytest.fixture(scope="module")
def jobs(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExactJobs]:
    jobs = ExactJobs(lambda root, name: make_exact_job(root, events, "recommendation", name), tmp_path_factory.mktemp)
    yield jobs
    jobs.close()


@pytest.mark.parametrize(
    ("workers", "killed"),
    [
        pytest.param(2, False, id="two workers"),
        pytest.param(3, True, id="three workers, one of whose ranks is killed"),
        pytest.param(1, True, id="one worker, which resumes from a checkpoint"),
    ],
)
def test_weights_and_scores_are_those_of_one_worker(jobs: ExactJobs, workers: int, killed: bool) -> None:
    assert jobs.result("gpt", workers, killed=killed) == jobs.result("gpt", 1)


def test_the_scores_have_baselines(jobs: ExactJobs) -> None:
    _, _, scores, _ = jobs.result("gpt", 1)
    assert jobs.last_scores["gpt"].keys() == {"hitRate", "ndcg"}
    assert set(scores) == {"hitRate", "ndcg", "popularHitRate", "popularNdcg", "nextHitRate", "nextNdcg"}
