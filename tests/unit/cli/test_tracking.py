"""MLflow's own client and store take a training's curves, each point once."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from llmtrain_cli.errors import CommandError
from llmtrain_cli.report.history import History
from llmtrain_cli.tracking import points_of, track
from unit.cli.histories import START, history, series


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return f"file://{tmp_path}/mlruns"


def losses(store: str, run: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in MlflowClient(tracking_uri=store).get_metric_history(run, "loss")]


def first_half() -> History:
    return history(step=[series([0, 10, 20])], loss=[series([5, 4, 3])])


def test_a_point_is_at_the_step_of_its_time() -> None:
    loss = [(point.step, point.value) for point in points_of(history()) if point.key == "loss"]
    assert loss == [(0, 5), (10, 4), (20, 3), (15, 3.5), (25, 2.5), (30, 2)]


def test_asked_again_it_goes_on_with_the_same_run(store: str) -> None:
    run = track(first_half(), tracking_uri=store, experiment="llmtrain", ended=False)
    assert losses(store, run) == [(0, 5), (10, 4), (20, 3)]
    assert track(history(), tracking_uri=store, experiment="llmtrain", ended=True) == run
    assert losses(store, run) == [(0, 5), (10, 4), (20, 3), (15, 3.5), (25, 2.5), (30, 2)]
    told = MlflowClient(tracking_uri=store).get_run(run)
    assert told.info.status == "FINISHED"
    assert told.data.tags["llmtrain.job"] == "gpt"


def test_another_training_of_the_name_is_another_run(store: str) -> None:
    run = track(first_half(), tracking_uri=store, experiment="llmtrain", ended=True)
    later = History(job=first_half().job, start=START + 3600, end=START + 3700, series=first_half().series)
    assert track(later, tracking_uri=store, experiment="llmtrain", ended=False) != run


def test_a_server_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(CommandError, match="MLflow"):
        track(history(), tracking_uri="http://127.0.0.1:9", experiment="llmtrain", ended=False)
