"""`llmtrain mlflow`: exports a training's curves from Prometheus to a run of MLflow.

A repeated run continues the same MLflow run, which it finds by tags. The images contain no part of MLflow and the cluster
needs no route to its server: the command runs where both Prometheus and MLflow can be reached, after or during the training.
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
CLIENT_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""MLflow's own defaults, 7 retries of 120 s, would wait many minutes for an unreachable server."""
TAGS = ("llmtrain.namespace", "llmtrain.job", "llmtrain.created")
CURVES = ("loss", "held_out_loss", "tokens_per_second", "mfu", "tokens", "ranks")
MAX_BATCH_SIZE = 1000
"""Points of one call, by MLflow's API."""
SAME_TRAINING_SECONDS = 30.0
"""Creation times that differ by less belong to the same training: the time ledger can be some seconds old."""


def export(history: History, *, tracking_uri: str | None, experiment: str, finish: bool) -> str:
    """Write the points that the run lacks; return its id. CommandError if MLflow rejects them or doesn't answer.

    `finish` also sets the run's status to FINISHED.
    """
    uri = tracking_uri or os.environ.get(VARIABLE)
    if not uri:
        raise BadInput(f"the MLflow server is not set: use --tracking-uri or the variable {VARIABLE}")
    for name, value in CLIENT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    print(f"mlflow: writing to {redact_credentials(uri)}; an unreachable server is retried", file=sys.stderr)
    try:
        client = MlflowClient(tracking_uri=uri)
        run = _run(client, history, experiment)
        points = [
            point for name in CURVES for point in new_points(points_of(history, name), _newest(client, run, name))
        ]
        for first in range(0, len(points), MAX_BATCH_SIZE):
            client.log_batch(run, metrics=points[first : first + MAX_BATCH_SIZE])
        if finish:
            client.set_terminated(run, "FINISHED", end_time=round(history.time_range.end * 1000))
    except (MlflowException, OSError) as error:
        message = str(error).replace(uri, redact_credentials(uri))
        raise CommandError(f"the MLflow server rejected the request or is unreachable: {message}") from error
    return run


def points_of(history: History, name: str) -> list[Metric]:
    """Return a curve's points in time order, each at the step that was scraped at the same time."""
    steps = {at: round(value) for each in history.series["step"] for at, value in each.points}
    return [
        Metric(key=name, value=value, timestamp=round(at * 1000), step=steps[at])
        for each in history.series[name]
        for at, value in each.points
        if at in steps
    ]


def new_points(points: Sequence[Metric], newest: Metric | None) -> list[Metric]:
    """Return the points after the newest exported one, without repetitions of the point before."""
    if newest is not None:
        points = [newest, *(point for point in points if point.timestamp > newest.timestamp)]
    changed = [after for before, after in pairwise(points) if _identity(after) != _identity(before)]
    return changed if newest is not None else [*points[:1], *changed]


def _identity(point: Metric) -> tuple[float, ...]:
    """Return what distinguishes a point from the one before: an evaluation's result is exported until the next one."""
    return (point.value,) if point.key == "held_out_loss" else (point.value, point.step)


def _run(client: MlflowClient, history: History, experiment: str) -> str:
    """Return the id of the training's run; create it if there is none."""
    existing = client.get_experiment_by_name(experiment)
    experiment_id = existing.experiment_id if existing else client.create_experiment(experiment)
    job, created = history.job, history.time_range.created
    of_job = f"tags.`{TAGS[0]}` = '{job.namespace}' and tags.`{TAGS[1]}` = '{job.name}'"
    for run in client.search_runs([experiment_id], of_job, max_results=1000):
        if abs(float(run.data.tags.get(TAGS[2], "nan")) - created) < SAME_TRAINING_SECONDS:
            return str(run.info.run_id)
    tags = dict(zip(TAGS, (job.namespace, job.name, f"{created:.3f}"), strict=True))
    run = client.create_run(experiment_id, start_time=round(created * 1000), run_name=job.name, tags=tags)
    return str(run.info.run_id)


def _newest(client: MlflowClient, run: str, name: str) -> Metric | None:
    """Return the newest point of a run's metric."""
    return max(client.get_metric_history(run, name), key=lambda point: (point.timestamp, point.step), default=None)
