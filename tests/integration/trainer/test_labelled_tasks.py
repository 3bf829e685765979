"""Models of records have the same weights and scores at any number of workers, and after a rank was killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exact_jobs import ExactJobs
from support.exact_tasks import AUGMENTED, FOLDER, WITH_VECTORS, make_exact_job, write_volume

CLASSIFIERS = tuple(("classification", name) for name in ("encoder", "lstm", "gru"))
LIBRARY = (("classification", FOLDER), ("translation", "t5"))
"""Those of `transformers`, which each process imports for seconds."""
MODELS = (
    *CLASSIFIERS,
    ("classification", WITH_VECTORS),
    ("classification", AUGMENTED),
    ("regression", "gru"),
    ("tagging", "lstm"),
    ("question-answering", "encoder"),
)
"""Tasks and models of llmtrain's own."""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data volume with records."""
    volume = tmp_path_factory.mktemp("records")
    write_volume(volume)
    return volume


@pytest.fixture(scope="module")
def runs(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExactJobs]:
    """Trains a model with a number of workers, once, and publishes it."""
    jobs = ExactJobs(lambda root, name: make_exact_job(root, records, *name.split(", ")), tmp_path_factory.mktemp)
    yield jobs
    jobs.close()


@pytest.mark.parametrize(
    ("model", "workers", "killed"),
    [
        pytest.param(CLASSIFIERS[0], 2, False, id="two workers"),
        *(
            pytest.param(model, 3, True, id=f"{' by '.join(model)}, three workers, one of whose ranks is killed")
            for model in MODELS
        ),
        *(
            pytest.param(model, 2, True, id=f"{' by '.join(model)}, two workers, one of whose ranks is killed")
            for model in LIBRARY
        ),
        pytest.param(CLASSIFIERS[-1], 1, True, id="one worker, which resumes from a checkpoint"),
    ],
)
def test_weights_and_scores_are_those_of_one_worker(
    runs: ExactJobs, model: tuple[str, str], workers: int, killed: bool
) -> None:
    name = ", ".join(model)
    assert runs.result(name, workers, killed=killed) == runs.result(name, 1)


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_the_scores_of_classes_have_a_baseline(runs: ExactJobs, model: tuple[str, str]) -> None:
    _, _, scores, _ = runs.result(", ".join(model), 1)
    assert set(scores) == {"accuracy", "f1", "precision", "recall", "majorityAccuracy", "majorityF1"}
    assert 0 < scores["majorityAccuracy"] < 0.6


def test_the_scores_of_numbers_have_a_baseline(runs: ExactJobs) -> None:
    _, _, scores, _ = runs.result("regression, gru", 1)
    assert set(scores) == {"mse", "mae", "r2", "spearman", "meanMse", "meanMae"}
    assert 1 < scores["meanMse"] < 4
