"""A training's curves are exported to a run of MLflow, each point once."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from llmtrain_cli.errors import BadInput, CommandError
from llmtrain_cli.mlflow_export import CLIENT_DEFAULTS, export, new_points, points_of
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


def test_a_point_is_at_the_step_that_was_scraped_with_it() -> None:
    loss = [(point.step, point.value) for point in points_of(history(), "loss")]
    assert loss == [(0, 5), (10, 4), (20, 3), (15, 3.5), (25, 2.5), (30, 2)]


def test_an_evaluation_is_exported_as_one_point() -> None:
    points = points_of(history(), "held_out_loss")
    assert [(point.step, point.value) for point in new_points(points, None)] == [(0, 4.5), (25, 2.25)]
    assert new_points(points[3:], points[2]) == points[4:5]


def test_repeated_values_are_exported_once() -> None:
    seldom = history(step=[series([0, 0, 10, 10])], loss=[series([5, 5, 4, 4])], ranks=[series([2, 2, 2, 2])])
    assert [(point.step, point.value) for point in new_points(points_of(seldom, "loss"), None)] == [(0, 5), (10, 4)]
    assert [(point.step, point.value) for point in new_points(points_of(seldom, "ranks"), None)] == [(0, 2), (10, 2)]


def test_a_second_export_continues_the_same_run(store: str) -> None:
    run = export(first_half(), tracking_uri=store, experiment="llmtrain", finish=False)
    assert losses(store, run) == [(0, 5), (10, 4), (20, 3)]
    assert export(history(), tracking_uri=store, experiment="llmtrain", finish=True) == run
    assert losses(store, run) == [(0, 5), (10, 4), (20, 3), (15, 3.5), (25, 2.5), (30, 2)]
    exported = MlflowClient(tracking_uri=store).get_run(run)
    assert exported.info.status == "FINISHED"
    assert exported.data.tags["llmtrain.job"] == "gpt"


def test_another_training_of_the_same_name_is_another_run(store: str) -> None:
    run = export(first_half(), tracking_uri=store, experiment="llmtrain", finish=True)
    later = replace(first_half(), time_range=TimeRange(created=START + 3600, start=START + 3610, end=START + 3700))
    assert export(later, tracking_uri=store, experiment="llmtrain", finish=False) != run


def test_an_export_of_a_part_of_the_training_finds_its_run(store: str) -> None:
    run = export(history(), tracking_uri=store, experiment="llmtrain", finish=False)
    part = replace(
        history(), time_range=replace(history().time_range, created=START + 1, start=START + 3600, end=START + 3700)
    )
    assert export(part, tracking_uri=store, experiment="llmtrain", finish=False) == run


def test_an_unreachable_server_is_an_error_without_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    with pytest.raises(CommandError, match="MLflow") as error:
        export(history(), tracking_uri="http://ann:secret@127.0.0.1:9", experiment="llmtrain", finish=False)
    shown = capsys.readouterr().err
    assert "http://127.0.0.1:9" in shown, "the server is named"
    assert "secret" not in shown + str(error.value)
    used = {name: os.environ[name] for name in CLIENT_DEFAULTS}
    assert used == {**CLIENT_DEFAULTS, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}, "settings of the user are kept"


def test_a_missing_server_setting_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(BadInput, match=r"--tracking-uri .* MLFLOW_TRACKING_URI"):
        export(history(), tracking_uri=None, experiment="llmtrain", finish=False)
