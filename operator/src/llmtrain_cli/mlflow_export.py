"""`llmtrain mlflow`: a training's curves as a run of MLflow, from what Prometheus was told.

Asked again, it goes on with the same run: that is found by tags. Nothing of MLflow is in the images, and no cluster needs
a way to its server: whoever may read Prometheus and write to MLflow runs this, once or while the training goes on.
"""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from llmtrain_cli.errors import BadInput, CommandError
from llmtrain_cli.report.history import History
from llmtrain_cli.server_url import redact_credentials

VARIABLE = "MLFLOW_TRACKING_URI"
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""MLflow's own are 7 and 120 s: many minutes for a server that is away."""
TAGS = ("llmtrain.namespace", "llmtrain.job", "llmtrain.born")
CURVES = ("loss", "held_out_loss", "tokens_per_second", "mfu", "tokens", "ranks")
MOST_AT_ONCE = 1000
"""Points of one call, by MLflow's API."""
SAME_SECONDS = 30.0
"""Births that are no further apart are of one training: what a coordinator accounts for is seconds old."""


def track(history: History, *, tracking_uri: str | None, experiment: str, ended: bool) -> str:
    """Write the points that the run lacks; return its id. CommandError if MLflow refuses or doesn't answer."""
    where = tracking_uri or os.environ.get(VARIABLE)
    if not where:
        raise BadInput(f"nothing says where MLflow is: name its server by --tracking-uri or the variable {VARIABLE}")
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    print(f"mlflow: writing to {redact_credentials(where)}, and waiting while it doesn't answer", file=sys.stderr)
    try:
        client = MlflowClient(tracking_uri=where)
        run = _run(client, history, experiment)
        points = [point for name in CURVES for point in news(points_of(history, name), _newest(client, run, name))]
        for first in range(0, len(points), MOST_AT_ONCE):
            client.log_batch(run, metrics=points[first : first + MOST_AT_ONCE])
        if ended:
            client.set_terminated(run, "FINISHED", end_time=round(history.life.end * 1000))
    except (MlflowException, OSError) as error:
        said = str(error).replace(where, redact_credentials(where))
        raise CommandError(f"MLflow refuses, or doesn't answer: {said}") from error
    return run


def points_of(history: History, name: str) -> list[Metric]:
    """Return a curve's points in the order of time, at the step that was told at the same time."""
    steps = {at: round(value) for one in history.series["step"] for at, value in one.points}
    return [
        Metric(key=name, value=value, timestamp=round(at * 1000), step=steps[at])
        for one in history.series[name]
        for at, value in one.points
        if at in steps
    ]


def news(points: Sequence[Metric], newest: Metric | None) -> list[Metric]:
    """Return the points after the newest one that say another thing than the one before, each told once."""
    if newest is not None:
        points = [newest, *(point for point in points if point.timestamp > newest.timestamp)]
    changed = [after for before, after in pairwise(points) if _told(after) != _told(before)]
    return changed if newest is not None else [*points[:1], *changed]


def _told(point: Metric) -> tuple[float, ...]:
    """Return what a point says: an evaluation is told of at all steps until the next."""
    return (point.value,) if point.key == "held_out_loss" else (point.value, point.step)


def _run(client: MlflowClient, history: History, experiment: str) -> str:
    """Return the training's run, made if there is none."""
    known = client.get_experiment_by_name(experiment)
    where = known.experiment_id if known else client.create_experiment(experiment)
    job, born = history.job, history.life.born
    mine = f"tags.`{TAGS[0]}` = '{job.namespace}' and tags.`{TAGS[1]}` = '{job.name}'"
    for run in client.search_runs([where], mine, max_results=1000):
        if abs(float(run.data.tags.get(TAGS[2], "nan")) - born) < SAME_SECONDS:
            return str(run.info.run_id)
    tags = dict(zip(TAGS, (job.namespace, job.name, f"{born:.3f}"), strict=True))
    made = client.create_run(where, start_time=round(born * 1000), run_name=job.name, tags=tags)
    return str(made.info.run_id)


def _newest(client: MlflowClient, run: str, name: str) -> Metric | None:
    """Return the newest point that a run has."""
    return max(client.get_metric_history(run, name), key=lambda point: (point.timestamp, point.step), default=None)
