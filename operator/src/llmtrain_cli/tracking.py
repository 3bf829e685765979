"""`llmtrain mlflow`: a training's curves as a run of MLflow, from what Prometheus was told.

Asked again, it goes on with the same run: that is found by tags. Nothing of MLflow is in the images, and no cluster needs
a way to its server: whoever may read Prometheus and write to MLflow runs this, once or while the training goes on.
"""

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from llmtrain_cli.errors import CommandError
from llmtrain_cli.report.history import History

TAGS = ("llmtrain.namespace", "llmtrain.job", "llmtrain.began")
CURVES = ("loss", "held_out_loss", "tokens_per_second", "mfu", "tokens", "ranks")
MOST_AT_ONCE = 1000
"""Points of one call, by MLflow's API."""
SAME_SECONDS = 30.0
"""Beginnings that are no further apart are of one training: what Prometheus keeps of the first scrape may go."""


def track(history: History, *, tracking_uri: str | None, experiment: str, ended: bool) -> str:
    """Write the points that the run lacks; return its id. CommandError if MLflow refuses or doesn't answer."""
    try:
        client = MlflowClient(tracking_uri=tracking_uri)
        run = _run(client, history, experiment)
        newest = {name: _newest(client, run, name) for name in CURVES}
        points = [point for point in points_of(history) if (point.timestamp, point.step) > newest[point.key]]
        for first in range(0, len(points), MOST_AT_ONCE):
            client.log_batch(run, metrics=points[first : first + MOST_AT_ONCE])
        if ended:
            client.set_terminated(run, "FINISHED", end_time=round(history.end * 1000))
    except (MlflowException, OSError) as error:
        raise CommandError(f"MLflow refuses, or doesn't answer: {error}") from error
    return run


def points_of(history: History) -> list[Metric]:
    """Return the curves' points in the order of time, at the step that was told at the same time."""
    steps = {at: round(value) for one in history.series["step"] for at, value in one.points}
    found = [
        Metric(key=name, value=value, timestamp=round(at * 1000), step=steps[at])
        for name in CURVES
        for one in history.series[name]
        for at, value in one.points
        if at in steps
    ]
    return sorted(found, key=lambda point: (point.timestamp, point.key))


def _run(client: MlflowClient, history: History, experiment: str) -> str:
    """Return the training's run, made if there is none."""
    known = client.get_experiment_by_name(experiment)
    where = known.experiment_id if known else client.create_experiment(experiment)
    job = history.job
    mine = f"tags.`{TAGS[0]}` = '{job.namespace}' and tags.`{TAGS[1]}` = '{job.name}'"
    for run in client.search_runs([where], mine, max_results=100):
        if abs(float(run.data.tags[TAGS[2]]) - history.start) < SAME_SECONDS:
            return str(run.info.run_id)
    values = (job.namespace, job.name, f"{history.start:.3f}")
    made = client.create_run(
        where, start_time=round(history.start * 1000), run_name=job.name, tags=dict(zip(TAGS, values, strict=True))
    )
    return str(made.info.run_id)


def _newest(client: MlflowClient, run: str, name: str) -> tuple[int, int]:
    """Return time and step of the newest point that a run has."""
    points = ((point.timestamp, point.step) for point in client.get_metric_history(run, name))
    return max(points, default=(0, -1))
