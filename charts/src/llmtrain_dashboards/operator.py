"""The operator: leadership, queue and API calls."""

from llmtrain_dashboards.dashboard import RATE, Dashboard, Row, lines_panel, series_panel, stat_panel

RECONCILES, SECONDS = "llmtrain_operator_reconciles_total", "llmtrain_operator_reconcile_seconds_total"
CALLS = "llmtrain_operator_api_calls_total"

HEALTH = Row(
    title="Health",
    panels=(
        stat_panel(
            "Leaders",
            "Replicas that hold the Lease; exactly one should.",
            "short",
            "sum(llmtrain_operator_leader) or vector(0)",
            (1, "green"),
            (2, "red"),
            base="red",
        ),
        stat_panel(
            "Waiting",
            "Objects in the work queue.",
            "short",
            "sum(llmtrain_operator_queue_depth)",
            (100, "orange"),
            (1000, "red"),
        ),
        stat_panel(
            "Failures",
            "Fraction of reconciliations that failed or that the API server rejected.",
            "percentunit",
            f'(sum(rate({RECONCILES}{{result=~"failed|rejected"}}{RATE})) or vector(0)) / sum(rate({RECONCILES}{RATE}))',
            (0.01, "orange"),
            (0.1, "red"),
        ),
        stat_panel(
            "Rejected or failed calls",
            "Fraction of API calls that were rejected or failed, without conflicts and objects not found.",
            "percentunit",
            f'(sum(rate({CALLS}{{code=~"[45]..", code!="409", code!="404"}}{RATE})) or vector(0)) / sum(rate({CALLS}{RATE}))',
            (0.01, "orange"),
            (0.1, "red"),
        ),
    ),
)
WORK = Row(
    title="Work",
    panels=(
        series_panel(
            "Reconciliations",
            "Reconciliations per second, by result.",
            "ops",
            f"sum by (result) (rate({RECONCILES}{RATE}))",
            "{{result}}",
            stack=True,
        ),
        series_panel(
            "Reconcile time",
            "Mean duration of a reconciliation, by kind of object.",
            "s",
            f"sum by (kind) (rate({SECONDS}{RATE})) / sum by (kind) (rate({RECONCILES}{RATE}))",
            "{{kind}}",
        ),
        series_panel(
            "API calls",
            "API calls per second, by verb and resource.",
            "ops",
            f"sum by (verb, resource) (rate({CALLS}{RATE}))",
            "{{verb}} {{resource}}",
            stack=True,
        ),
        lines_panel("Queue depth", "Objects in the work queue.", "short", waiting="llmtrain_operator_queue_depth"),
        series_panel(
            "Unreadable objects",
            "Versions of Kubernetes objects that the operator cannot read, by kind; its log names them.",
            "short",
            "sum by (kind) (increase(llmtrain_operator_unreadable_objects_total[1h]))",
            "{{kind}}",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="llmtrain-operator",
    title="llmtrain / Operator",
    description="Whether a replica leads, the work queue drains, and the API server accepts its calls.",
    variables=(),
    rows=(HEALTH, WORK),
)
