"""The operator itself, for whoever runs it."""

from llmtrain_dashboards.dashboard import RATE, Dashboard, Row, lines, series_panel, stat_panel

RECONCILES, SECONDS = "llmtrain_operator_reconciles_total", "llmtrain_operator_reconcile_seconds_total"
CALLS = "llmtrain_operator_api_calls_total"

FINE = Row(
    title="Is it fine?",
    panels=(
        stat_panel(
            "Leaders",
            "Exactly one replica leads.",
            "short",
            "sum(llmtrain_operator_leader) or vector(0)",
            (1, "green"),
            (2, "red"),
            base="red",
        ),
        stat_panel(
            "Waiting",
            "Objects that wait to be reconciled.",
            "short",
            "sum(llmtrain_operator_queue_depth)",
            (100, "orange"),
            (1000, "red"),
        ),
        stat_panel(
            "Failures",
            "Part of all reconciliations that failed, or that the API server refused.",
            "percentunit",
            f'(sum(rate({RECONCILES}{{result=~"failed|refused"}}{RATE})) or vector(0)) / sum(rate({RECONCILES}{RATE}))',
            (0.01, "orange"),
            (0.1, "red"),
        ),
        stat_panel(
            "Refused calls",
            "Part of all calls that the API server refused or failed, conflicts aside.",
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
            "A second, by result.",
            "ops",
            f"sum by (result) (rate({RECONCILES}{RATE}))",
            "{{result}}",
            stack=True,
        ),
        series_panel(
            "Seconds of one",
            "What a reconciliation takes, by kind of object.",
            "s",
            f"sum by (kind) (rate({SECONDS}{RATE})) / sum by (kind) (rate({RECONCILES}{RATE}))",
            "{{kind}}",
        ),
        series_panel(
            "Calls to the API",
            "A second, by verb and resource.",
            "ops",
            f"sum by (verb, resource) (rate({CALLS}{RATE}))",
            "{{verb}} {{resource}}",
            stack=True,
        ),
        lines("Queue", "Objects that wait to be reconciled.", "short", waiting="llmtrain_operator_queue_depth"),
    ),
)

BOARD = Dashboard(
    uid="llmtrain-operator",
    title="llmtrain / Operator",
    description="Whether the operator leads, keeps up and is let do its work.",
    variables=(),
    rows=(FINE, WORK),
)
