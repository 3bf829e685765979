"""Writes docs/reference from the contract: `python -m llmtrain_api.generate.reference_docs docs/reference`.

Metrics and alerts are here, fields of both resources in resource_pages.py, log events and environment variables in
runtime_pages.py. `docs/reference.py` adds the pages of the command line and of the chart's values.
"""

import sys
from math import prod
from pathlib import Path
from typing import get_args

from llmtrain_api.alerting import dcgm
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.generate.markdown import page, table
from llmtrain_api.generate.resource_pages import cluster_page, job_page
from llmtrain_api.generate.runtime_pages import environment_page, log_events_page
from llmtrain_api.metrics import job, node, operator
from llmtrain_api.metrics.catalogue import EXPORTERS
from llmtrain_api.metrics.metric import JOB_LABELS, Metric
from llmtrain_api.recovery_record import RECOVERY_PHASES, RecoveryMethod
from llmtrain_api.time_ledger import CATEGORIES

JOB_LABEL_VALUES: dict[str, int] = {
    "method": len(get_args(RecoveryMethod)),
    "phase": len(RECOVERY_PHASES),
    "category": len(CATEGORIES),
}
"""Number of values of each bounded label of a job's metrics."""
GPU_LABEL_VALUES = {"clock": 2, "reason": 3, "severity": 2, "direction": 2, "xid": 1}
"""The same for a GPU's metrics. More than one XID in the lifetime of an agent is rare."""
EXPORTER_INTROS = {
    "coordinator": "Exported by the coordinator of each job on port 8470 while the job trains.",
    "agent": "Exported by the node agent of each node on port 9475. Metrics that a GPU, a driver or a node does not provide "
    "are absent.",
    "operator": "Exported by the operator on port 8080. Metrics of jobs, pools and volumes come from the leader only.",
}
DCGM = (
    "With `agent.gpus: off` the node agent exports no GPU metrics, and recording rules map DCGM exporter's metrics to "
    "llmtrain's names and units, so that dashboards and alerts work unchanged. Run the exporter with the name of its node as "
    "`Hostname`, as its chart does."
)


def series_of_gpu() -> int:
    """Return the maximum number of series of one GPU."""
    of_gpu = (metric for metric in node.METRICS if "gpu" in metric.labels)
    return sum(prod(GPU_LABEL_VALUES.get(label, 1) for label in metric.labels) for metric in of_gpu)


def series_of_pod() -> int:
    """Return the maximum number of series that the agent exports for one pod."""
    of_pod = (metric for metric in node.METRICS if "pod" in metric.labels and "gpu" not in metric.labels)
    return sum(2 if "direction" in metric.labels else 1 for metric in of_pod)


def series_of_node(component: str = "") -> int:
    """Return the number of series of one node, or of each `component` of it: a network "device" or InfiniBand "port"."""
    components = {"": set(), "device": {"device"}, "port": {"device", "port"}}[component]
    others = {"gpu", "pod", "device", "port"} - components
    label_sets = (set(metric.labels) for metric in (*node.METRICS, *operator.METRICS))
    return sum(
        2 if "direction" in labels else 1
        for labels in label_sets
        if {"node", *components} <= labels and not others & labels
    )


def series_of_rules(level: str) -> int:
    """Return the number of recorded series of one object of a level: a training_job, or a pod with GPUs."""
    recorded = (rule for rule in RECORDINGS if rule.record.startswith(f"{level}:"))
    return sum(2 if "direction" in rule.expr.partition(")")[0] else 1 for rule in recorded)


def series_of_job(ranks: int) -> int:
    """Return the maximum number of series that the coordinator of a job exports."""
    return sum(ranks if "rank" in metric.labels else _fixed(metric) for metric in job.METRICS)


def _fixed(metric: Metric) -> int:
    return prod(JOB_LABEL_VALUES[label] for label in metric.labels if label not in JOB_LABELS)


def without_dcgm() -> str:
    """Return which metrics DCGM exporter has no equivalent of, and which alerts therefore cannot fire."""
    mapped = {rule.record for rule in dcgm.RECORDINGS}
    missing = [metric.name for metric in node.METRICS if "gpu" in metric.labels and metric.name not in mapped]
    silent = [alert.name for alert in ALERTS if any(name in alert.expr for name in missing)]
    return (
        f"DCGM exporter has no equivalent of {' or '.join(f'`{name}`' for name in missing)}, so {' and '.join(silent)} "
        "cannot fire and the panels of these metrics on the *Node* dashboard stay empty."
    )


def metrics_page() -> str:
    """Return docs/reference/metrics.md."""
    blocks = []
    for exporter, metrics in EXPORTERS.items():
        rows = ((f"`{one.name}`", one.kind, ", ".join(one.labels), one.help) for one in metrics)
        blocks += [
            f"## {exporter.capitalize()}",
            EXPORTER_INTROS[exporter],
            table(("Name", "Type", "Labels", "Help"), rows),
        ]
    return page(
        "Metrics",
        "Values are in base units, ratios are 0 to 1, and labels are bounded. The label `training_job` is the name of the job; "
        "Prometheus reserves `job` for the scrape job. Scrape the operator and the node agents with `honor_labels: true`, so that "
        "`namespace` is that of the training job or pod; for coordinators the target's own namespace is the same.",
        f"A job has at most {series_of_job(0)} series plus one per rank: {series_of_job(8)} with 8 ranks, "
        f"{series_of_job(512)} with 512. They end with its coordinator. The operator adds two for each existing job. "
        f"A GPU has at most {series_of_gpu()} series, a pod {series_of_pod()}. A node has {series_of_node()}, plus "
        f"{series_of_node('device')} per network device and {series_of_node('port')} per port of an InfiniBand device. "
        f"Recording rules add {series_of_rules('training_job')} per job and {series_of_rules('pod')} per pod with GPUs.",
        *blocks,
        "## Recording rules",
        table(("Name", "Meaning"), ((f"`{rule.record}`", rule.help) for rule in RECORDINGS)),
        "## With DCGM exporter",
        f"{DCGM} {without_dcgm()}",
        table(("Name", "Source"), ((f"`{rule.record}`", rule.help) for rule in dcgm.RECORDINGS)),
        "See [alerts](alerts.md) for the alerts on these metrics.",
    )


def alerts_page() -> str:
    """Return docs/reference/alerts.md: the runbook."""
    blocks = []
    for alert in ALERTS:
        duration = f" for {alert.for_duration}" if alert.for_duration != "0m" else ""
        blocks += [
            f"## {alert.name}",
            f"**Meaning.** {alert.meaning}",
            f"**Diagnosis.** {alert.diagnosis}",
            f"**Mitigation.** {alert.mitigation}",
            f"Severity: {alert.severity}. The alert fires if this expression holds{duration}:",
            f"```promql\n{alert.expr}\n```",
        ]
    return page(
        "Alerts",
        "The chart value `metrics.prometheusRule.enabled` installs these alerts for the Prometheus operator. With "
        "`metrics.prometheusRule.runbookUrl`, the annotation `runbook_url` of each links to its section.",
        *blocks,
    )


PAGES = {
    "job.md": job_page,
    "cluster.md": cluster_page,
    "metrics.md": metrics_page,
    "alerts.md": alerts_page,
    "log-events.md": log_events_page,
    "environment.md": environment_page,
}


if __name__ == "__main__":
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference")
    directory.mkdir(parents=True, exist_ok=True)
    for name, render in PAGES.items():
        (directory / name).write_text(render())
