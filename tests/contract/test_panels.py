"""Panels evaluated by promtool: a stat must not show a value without data, or double a job's value."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.promtool import check, promql_test, promtool, series_name
from contract.promtool_series import JOB, OF_JOB, History, handed_over, job, lived
from llmtrain_dashboards.grafana import DASHBOARDS

VARIABLES = {"namespace": "team", "training_job": "gpt", "llmcluster": ".*", "node": ".*", "__rate_interval": "5m"}
PANELS = {
    (dashboard.uid.removeprefix("llmtrain-"), panel.title): panel
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
}
LEADER: History = {"llmtrain_operator_leader": "1+0x60"}
AGENT = 'namespace="llmtrain-system", pod="llmtrain-agent-x7"'
"""Labels that Prometheus adds to series that lack them."""
Shown = list[tuple[dict[str, str], float]]

pytestmark = pytest.mark.promtool


def filled(expression: str) -> str:
    """Return an expression with Grafana's variables replaced."""
    return re.sub(r"\$(\w+)", lambda found: VARIABLES[found.group(1)], expression)


def jobs(reason: str, values: str) -> History:
    """Return the number of jobs whose condition Scheduled has a reason."""
    return {f'llmtrain_jobs{{namespace="team", condition="Scheduled", reason="{reason}"}}': values}


def throttled(reason: str, values: str) -> History:
    """Return whether a GPU's clocks are reduced for a reason."""
    return {f'llmtrain_gpu_throttled{{node="n1", gpu="0", reason="{reason}"}}': values}


GPUS: History = {
    **{f'llmtrain_gpu_info{{node="n1", gpu="{n}", uuid="u{n}", model="H200", {AGENT}}}': "1+0x60" for n in range(3)},
    **{f'llmtrain_gpu_shared{{node="n1", gpu="{n}", {AGENT}}}': f"{n % 2}+0x60" for n in range(3)},
    'llmtrain_gpu_assigned{node="n1", gpu="0", namespace="team", pod="gpt-worker-0", training_job="gpt"}': "1+0x60",
}
"""A GPU that is assigned to a pod, one that several pods share, and a free one."""
ASSIGNMENT: Shown = [
    ({"node": "n1", "gpu": "0", "namespace": "team", "pod": "gpt-worker-0"}, 1),
    ({"node": "n1", "gpu": "1"}, 1),
    ({"node": "n1", "gpu": "2"}, 0),
]
STEPS = {**job("llmtrain_job_step", "60"), **job("llmtrain_job_steps", "80")}
XID = f'llmtrain_gpu_xid_errors_total{{node="n1", gpu="0", xid="79", {AGENT}}}'
ALERT = f'ALERTS{{alertname="LlmtrainStraggler", alertstate="firing", {JOB}}}'
CASES: list[tuple[str, str, str, History, Shown]] = [
    ("operator", "Leaders", "no replica exports metrics", {}, [({}, 0)]),
    ("operator", "Leaders", "one", LEADER, [({}, 1)]),
    ("cluster", "Jobs waiting", "no operator exports jobs", {}, []),
    ("cluster", "Jobs waiting", "the leader knows no job", LEADER, [({}, 0)]),
    (
        "cluster",
        "Jobs waiting",
        "a scheduled job is pulling its image",
        {**LEADER, **jobs("Scheduled", "3+0x60")},
        [({}, 0)],
    ),
    (
        "cluster",
        "Jobs waiting",
        "two are waiting",
        {**LEADER, **jobs("Scheduled", "3+0x60"), **jobs("Waiting", "2+0x60")},
        [({}, 2)],
    ),
    ("job", "Progress", "one value after the coordinator was replaced", handed_over(STEPS, 29), [(OF_JOB, 0.75)]),
    ("job", "Ranks missing", "no coordinator exports metrics", {}, []),
    ("job", "Alerts", "none fires", {}, [({}, 0)]),
    ("job", "Alerts", "one fires", {ALERT: "1+0x60"}, [({}, 1)]),
    (
        "job",
        "Time by category",
        "no peak when a coordinator restarts in place",
        lived(stepping="36000+0x27 35700+0x60"),
        [],
    ),
    (
        "job",
        "Time by category",
        "the categories add up to 1, even if more time was added than passed",
        lived(stepping="0+90x60", recovering="0+30x60"),
        [({"category": "stepping"}, 0.75), ({"category": "recovering"}, 0.25)],
    ),
    ("node", "GPU assignment", "the pod of the GPU, not the agent's pod", GPUS, ASSIGNMENT),
    (
        "node",
        "GPUs throttled",
        "power is an expected reason",
        {**throttled("power", "1+0x60"), **throttled("thermal", "0+0x60")},
        [({}, 0)],
    ),
    ("node", "GPUs throttled", "one is too hot", throttled("thermal", "1+0x60"), [({}, 1)]),
    ("node", "XID errors", "none in the last 15 minutes", {**GPUS, XID: "4+0x60"}, [({}, 0)]),
    ("node", "XID errors", "the first error of a kind", {**GPUS, XID: "_x20 1+0x60"}, [({}, 1)]),
]


@pytest.mark.parametrize(
    ("dashboard", "title", "history", "shown"),
    [
        pytest.param(dashboard, title, history, shown, id=f"{title}: {why}")
        for dashboard, title, why, history, shown in CASES
    ],
)
def test_a_panel_shows(dashboard: str, title: str, history: History, shown: Shown, rule_file: Path) -> None:
    (query,) = PANELS[dashboard, title].queries
    expected: list[dict[str, Any]] = [{"labels": series_name(labels, ""), "value": value} for labels, value in shown]
    check(rule_file, promql_test(title, history, 30, filled(query.expr), expected))


def test_prometheus_can_read_every_panel(tmp_path: Path) -> None:
    queries = [filled(query.expr) for panel in PANELS.values() for query in panel.queries]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(queries)]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(path))
