"""MLflow's own client and store take a training's curves, each point once."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from llmtrain_cli.__main__ import main
from llmtrain_cli.errors import BadInput, CommandError
from llmtrain_cli.mlflow_export import PATIENCE, news, points_of, track
from llmtrain_cli.report.history import History, TimeRange
from unit.cli.fake_prometheus import START, history, series


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return f"file://{tmp_path}/mlruns"


def losses(store: str, run: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in MlflowClient(tracking_uri=store).get_metric_history(run, "loss")]


def first_half() -> History:
    return history(step=[series([0, 10, 20])], loss=[series([5, 4, 3])])


def test_a_point_is_at_the_step_of_its_time() -> None:
    loss = [(point.step, point.value) for point in points_of(history(), "loss")]
    assert loss == [(0, 5), (10, 4), (20, 3), (15, 3.5), (25, 2.5), (30, 2)]


def test_an_evaluation_is_one_point() -> None:
    points = points_of(history(), "held_out_loss")
    assert [(point.step, point.value) for point in news(points, None)] == [(0, 4.5), (25, 2.25)]
    assert news(points[3:], points[2]) == points[4:5]


def test_what_is_scraped_seldom_is_told_once() -> None:
    seldom = history(step=[series([0, 0, 10, 10])], loss=[series([5, 5, 4, 4])], ranks=[series([2, 2, 2, 2])])
    assert [(point.step, point.value) for point in news(points_of(seldom, "loss"), None)] == [(0, 5), (10, 4)]
    assert [(point.step, point.value) for point in news(points_of(seldom, "ranks"), None)] == [(0, 2), (10, 2)]


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
    later = replace(first_half(), life=TimeRange(born=START + 3600, start=START + 3610, end=START + 3700))
    assert track(later, tracking_uri=store, experiment="llmtrain", ended=False) != run


def test_a_look_at_a_part_of_the_training_finds_its_run(store: str) -> None:
    run = track(history(), tracking_uri=store, experiment="llmtrain", ended=False)
    part = replace(history(), life=replace(history().life, born=START + 1, start=START + 3600, end=START + 3700))
    assert track(part, tracking_uri=store, experiment="llmtrain", ended=False) == run


def test_a_server_that_is_away(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    with pytest.raises(CommandError, match="MLflow") as error:
        track(history(), tracking_uri="http://ann:secret@127.0.0.1:9", experiment="llmtrain", ended=False)
    said = capsys.readouterr().err
    assert "http://127.0.0.1:9" in said, "it says what it waits for"
    assert "secret" not in said + str(error.value)
    given = {name: os.environ[name] for name in PATIENCE}
    assert given == {**PATIENCE, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}, "the user's own is kept"


def test_nobody_says_where_mlflow_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(BadInput, match=r"--tracking-uri .* MLFLOW_TRACKING_URI"):
        track(history(), tracking_uri=None, experiment="llmtrain", ended=False)


@pytest.mark.parametrize(("command", "extras"), [("mlflow", "cli,mlflow"), ("top", "cli")])
def test_a_missing_package_is_installed_from_the_checkout(
    command: str, extras: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dispatch(options: object) -> None:
        raise ModuleNotFoundError(name="rich")

    monkeypatch.setattr("llmtrain_cli.__main__.dispatch", dispatch)
    assert main([command, "gpt"]) == 2
    assert f"rich is missing; in a checkout of llmtrain: pip install '.[{extras}]'" in capsys.readouterr().err
