"""Metrics of all jobs and of the operator itself, told by the operator."""

from llmtrain_api.metrics.metric import Metric, declared

JOBS = Metric(
    name="llmtrain_jobs",
    kind="gauge",
    labels=("namespace", "condition"),
    help="Jobs by their current condition.",
)
QUEUE_DEPTH = Metric(
    name="llmtrain_operator_queue_depth",
    kind="gauge",
    labels=(),
    help="Objects waiting to be reconciled.",
)
RECONCILES = Metric(
    name="llmtrain_operator_reconciles_total",
    kind="counter",
    labels=("kind", "result"),
    help="Reconciliations by kind of object and result.",
)
RECONCILE_SECONDS = Metric(
    name="llmtrain_operator_reconcile_seconds_total",
    kind="counter",
    labels=("kind",),
    help="Seconds spent reconciling.",
)
API_CALLS = Metric(
    name="llmtrain_operator_api_calls_total",
    kind="counter",
    labels=("verb", "resource", "code"),
    help="Calls to the Kubernetes API.",
)
LEADER = Metric(
    name="llmtrain_operator_leader",
    kind="gauge",
    labels=(),
    help="1 in the replica that is active.",
)

METRICS = declared(dict(globals()))
