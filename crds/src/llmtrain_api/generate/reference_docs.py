"""Writes the pages of docs/ that are made from the contract: `python -m llmtrain_api.generate.reference_docs docs/reference`."""

import sys
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import get_args

from llmtrain_api.alerting import dcgm
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.metrics import job, node, operator
from llmtrain_api.metrics.catalogue import EXPORTERS
from llmtrain_api.metrics.metric import JOB_LABELS, Metric
from llmtrain_api.protocol import RECOVERY_PHASES, RecoveryMethod
from llmtrain_api.time_ledger import CATEGORIES

VALUES: dict[str, int] = {
    "method": len(get_args(RecoveryMethod)),
    "phase": len(RECOVERY_PHASES),
    "category": len(CATEGORIES),
}
"""How many values the bounded labels of a job's metrics can have."""
EXPORTER_INTROS = {
    "coordinator": "Each job's coordinator tells these, on port 8470 while the job trains.",
    "agent": "The node agent tells these, on port 9475 of its pod on each node. What a chip, a driver or a node doesn't say is absent.",
    "operator": "The operator tells these, on port 8080; of jobs, pools and volumes only the replica that leads does.",
}
DCGM = (
    "With `agent.gpus: off` the node agent leaves GPUs alone, and rules give DCGM exporter's metrics our names and units, so "
    "that dashboards and alerts stay the same. Run the exporter with its node's name as `Hostname`, as its chart does."
)
GENERATED_MARKER = "<!-- Made from llmtrain_api by `make render`. -->"


OF_GPU = {"clock": 2, "reason": 3, "severity": 2, "direction": 2, "xid": 1}
"""The same for a GPU's metrics; more XIDs than one in an agent's life are rare."""


def series_of_gpu() -> int:
    """Return how many series one GPU costs at most, where its chip tells everything."""
    of_gpu = (metric for metric in node.METRICS if "gpu" in metric.labels)
    return sum(prod(OF_GPU.get(label, 1) for label in metric.labels) for metric in of_gpu)


def series_of_pod() -> int:
    """Return how many series the agent tells of one pod at most."""
    of_pod = (metric for metric in node.METRICS if "pod" in metric.labels and "gpu" not in metric.labels)
    return sum(2 if "direction" in metric.labels else 1 for metric in of_pod)


def series_of_node(part: str = "") -> int:
    """Return how many series are told of one node, or of each `part` of it: a network device or an InfiniBand port."""
    parts = {"": set(), "device": {"device"}, "port": {"device", "port"}}[part]
    others = {"gpu", "pod", "device", "port"} - parts
    told = (set(metric.labels) for metric in (*node.METRICS, *operator.METRICS))
    return sum(
        2 if "direction" in labels else 1 for labels in told if {"node", *parts} <= labels and not others & labels
    )


def series_of_rules(level: str) -> int:
    """Return how many series are recorded of one thing of a level: a training_job, or a pod that has GPUs."""
    recorded = (rule for rule in RECORDINGS if rule.record.startswith(f"{level}:"))
    return sum(2 if "direction" in rule.expr.partition(")")[0] else 1 for rule in recorded)


def series_of_job(ranks: int) -> int:
    """Return how many series the coordinator of a job with so many ranks tells at most."""
    return sum(ranks if "rank" in metric.labels else _fixed(metric) for metric in job.METRICS)


def _fixed(metric: Metric) -> int:
    return prod(VALUES[label] for label in metric.labels if label not in JOB_LABELS)


def without_dcgm() -> str:
    """Return what nobody tells where DCGM exporter tells of GPUs."""
    told = {rule.record for rule in dcgm.RECORDINGS}
    missing = [one.name for one in node.METRICS if "gpu" in one.labels and one.name not in told]
    mute = [alert.name for alert in ALERTS if any(name in alert.expr for name in missing)]
    return (
        f"Nobody tells {' or '.join(f'`{name}`' for name in missing)} then, so {' and '.join(mute)} can't fire, and their "
        "tiles and panels on the dashboard *Node* have no data."
    )


def metrics_page() -> str:
    """Return docs/reference/metrics.md."""
    parts = [
        "# Metrics",
        GENERATED_MARKER,
        "Base units, ratios from 0 to 1, and labels that are bounded. The label `training_job` is the job's name: `job` is "
        "Prometheus' own. Scrape with `honor_labels: true`, so that `namespace` is the training job's.",
        f"A job costs at most {series_of_job(0)} series and one more a rank: {series_of_job(8)} with 8 ranks, "
        f"{series_of_job(512)} with 512. They end with its coordinator. The operator adds two for each job that exists. "
        f"A GPU costs at most {series_of_gpu()}, a pod {series_of_pod()}. A node costs {series_of_node()}, and "
        f"{series_of_node('device')} more a network device, {series_of_node('port')} a port of an InfiniBand device. "
        f"Rules record {series_of_rules('training_job')} of a job and {series_of_rules('pod')} of a pod that has GPUs.",
    ]
    for teller, metrics in EXPORTERS.items():
        rows = (f"| `{one.name}` | {one.kind} | {', '.join(one.labels)} | {one.help} |" for one in metrics)
        parts += [f"## {teller.capitalize()}", EXPORTER_INTROS[teller], _table("Name | Type | Labels | Help", rows)]
    rules = (f"| `{rule.record}` | {rule.help} |" for rule in RECORDINGS)
    parts += ["## Recording rules", _table("Name | What it is", rules)]
    taken = (f"| `{rule.record}` | {rule.help} |" for rule in dcgm.RECORDINGS)
    parts += [
        "## Where DCGM exporter tells of GPUs",
        f"{DCGM} {without_dcgm()}",
        _table("Name | Where it is from", taken),
    ]
    parts += ["[Alerts](alerts.md) have a page of their own."]
    return "\n\n".join(parts) + "\n"


def _table(head: str, rows: Iterable[str]) -> str:
    return "\n".join((f"| {head} |", "|---" * len(head.split("|")) + "|", *rows))


def alerts_page() -> str:
    """Return docs/reference/alerts.md: the runbook."""
    parts = [
        "# Alerts",
        GENERATED_MARKER,
        "`metrics.prometheusRule.enabled` of the chart installs these for the Prometheus operator. Each alert's "
        "`runbook_url` leads to its section here.",
    ]
    for alert in ALERTS:
        lasting = f" for {alert.for_duration}" if alert.for_duration != "0m" else ""
        parts += [
            f"## {alert.name}",
            f"{alert.meaning}",
            f"Severity {alert.severity}. It fires when this holds{lasting}:",
            f"```promql\n{alert.expr}\n```",
            f"**Look.** {alert.diagnosis}",
            f"**Do.** {alert.mitigation}",
        ]
    return "\n\n".join(parts) + "\n"


PAGES = {"metrics.md": metrics_page, "alerts.md": alerts_page}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference") / name).write_text(page())
