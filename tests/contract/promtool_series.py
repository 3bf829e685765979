"""Builders of Prometheus series for the cases of recording rules and alerts.

Values are in promtool's notation, one sample per minute: `a+bxn` starts at a and adds b n times, `_xn` is n missing
samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

History = dict[str, str]
"""Values by series."""
JOB = 'namespace="team", training_job="gpt"'
OF_JOB = {"namespace": "team", "training_job": "gpt"}
OF_POOL, OF_CLUSTER = {"llmcluster": "main", "pool": "h200"}, {"llmcluster": "main"}
POD = 'namespace="team", pod="gpt-worker-0"'
OF_POD = {"namespace": "team", "pod": "gpt-worker-0", "training_job": "gpt"}
ON_NODE, ON_GPU = {"node": "n1"}, {"node": "n1", "gpu": "0"}
RUNS: History = {f"llmtrain_job_ranks{{{JOB}}}": "8+0x240"}
POOL_NODE: History = {'llmtrain_pool_node_info{llmcluster="main", pool="h200", node="n1"}': "1+0x90"}


@dataclass(frozen=True, kw_only=True)
class AlertCase:
    """Histories for which an alert fires, and histories for which it stays silent, by description."""

    fires: Mapping[str, History]
    silent: Mapping[str, History]
    minute: int
    """When the alert is evaluated."""
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RecordingCase:
    """Histories with the value a rule computes, and histories without a result, by description."""

    computes: Mapping[str, tuple[History, float]]
    silent: Mapping[str, History] = field(default_factory=dict)
    minute: int
    labels: dict[str, str] = field(default_factory=dict)


def handed_over(history: History, at: int) -> History:
    """Return series of a constant value that another pod exports from minute `at` on."""
    series_by_pod = {}
    for series, value in history.items():
        series_by_pod[series.replace("{", '{instance="a", ')] = f"{value}+0x{at - 1} stale"
        series_by_pod[series.replace("{", '{instance="b", ')] = f"_x{at} {value}+0x240"
    return series_by_pod


def twice(history: History) -> History:
    """Return the series that result if two scrape jobs scrape the same target."""
    return {series.replace("{", f'{{job="{by}", '): values for series, values in history.items() for by in "ab"}


def job(name: str, values: str, more: str = "") -> History:
    """Return one series of a job."""
    return {f"{name}{{{JOB}{more}}}": values}


def ranks(*seconds: str) -> History:
    """Return the compute time of each rank."""
    series = {}
    for rank, took in enumerate(seconds):
        series |= job("llmtrain_job_rank_compute_seconds", took, f', worker="{rank}", rank="0"')
    return series


def lived(**categories: str) -> History:
    """Return the time ledger of a job."""
    series = {}
    for category, values in categories.items():
        series |= job("llmtrain_job_seconds_total", values, f', category="{category}"')
    return series


def recovered(method: str, count: str, **phases: str) -> History:
    """Return recoveries of one method, and the seconds of their phases."""
    series = job("llmtrain_job_recoveries_total", count, f', method="{method}"')
    for phase, values in phases.items():
        series |= job("llmtrain_job_recovery_seconds_total", values, f', method="{method}", phase="{phase}"')
    return series


def pool(metric: str, **states: str) -> History:
    """Return a pool's nodes or GPUs by state."""
    return {f'{metric}{{llmcluster="main", pool="h200", state="{state}"}}': values for state, values in states.items()}


def reconciles(**results: str) -> History:
    """Return reconciliations of jobs by result."""
    return {
        f'llmtrain_operator_reconciles_total{{kind="job", result="{result}"}}': values
        for result, values in results.items()
    }


def gpus(metric: str, *values: str, job: str = "gpt", held: str = "1+0x90") -> History:
    """Return a metric of the node's GPUs 0, 1, …, all assigned to the pod."""
    series = {}
    for number, value in enumerate(values):
        series[f'{metric}{{node="n1", gpu="{number}"}}'] = value
        series[f'llmtrain_gpu_assigned{{node="n1", gpu="{number}", {POD}, training_job="{job}"}}'] = held
    return series


def gpu(metric: str, values: str, more: str = "") -> History:
    """Return a metric of a GPU that no pod has."""
    return {f'{metric}{{node="n1", gpu="0"{more}}}': values}


def pod(metric: str, values: str, job: str = "gpt", more: str = "") -> History:
    """Return a metric of the pod."""
    return {f'{metric}{{node="n1", {POD}, training_job="{job}"{more}}}': values}


def node(metric: str, values: str, more: str = "") -> History:
    """Return a metric of the node."""
    return {f'{metric}{{node="n1"{more}}}': values}


def agent(values: str, on: str = "n1") -> History:
    """Return the series of a node's agent."""
    return {f'llmtrain_agent_gpu_library_info{{node="{on}", source="nvml", version="1"}}': values}
