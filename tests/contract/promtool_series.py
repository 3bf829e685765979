"""What series may tell, for the cases of recording rules and alerts.

Values are in promtool's notation, one sample a minute: `a+bxn` begins at a and adds b n times, `_xn` is nothing n times.
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
    """Histories in which an alert fires and in which it is silent, each by the sentence that says why."""

    speaks: Mapping[str, History]
    silent: Mapping[str, History]
    minute: int
    """When it is asked."""
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RecordingCase:
    """What a rule computes of which histories, and of which nothing, each by a sentence."""

    computes: Mapping[str, tuple[History, float]]
    silent: Mapping[str, History] = field(default_factory=dict)
    minute: int
    labels: dict[str, str] = field(default_factory=dict)


def handed_over(history: History, at: int) -> History:
    """Return series that keep their one value, but are told by another pod from a minute on."""
    told = {}
    for series, value in history.items():
        told[series.replace("{", '{instance="a", ')] = f"{value}+0x{at - 1} stale"
        told[series.replace("{", '{instance="b", ')] = f"_x{at} {value}+0x240"
    return told


def twice(history: History) -> History:
    """Return what Prometheus has when two of its jobs scrape the same target."""
    return {series.replace("{", f'{{job="{by}", '): values for series, values in history.items() for by in "ab"}


def job(name: str, values: str, more: str = "") -> History:
    """Return one series of a job."""
    return {f"{name}{{{JOB}{more}}}": values}


def ranks(*seconds: str) -> History:
    """Return what the microbatches take each rank."""
    series = {}
    for rank, took in enumerate(seconds):
        series |= job("llmtrain_job_rank_compute_seconds", took, f', worker="{rank}", rank="0"')
    return series


def lived(**kinds: str) -> History:
    """Return the account of a job's life."""
    series = {}
    for kind, values in kinds.items():
        series |= job("llmtrain_job_seconds_total", values, f', category="{kind}"')
    return series


def recovered(method: str, count: str, **parts: str) -> History:
    """Return recoveries of one method, and the seconds of their parts."""
    series = job("llmtrain_job_recoveries_total", count, f', method="{method}"')
    for part, values in parts.items():
        series |= job("llmtrain_job_recovery_seconds_total", values, f', method="{method}", phase="{part}"')
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
    """Return a metric of the node's GPUs 0, 1, …, each of which the pod has."""
    series = {}
    for number, value in enumerate(values):
        series[f'{metric}{{node="n1", gpu="{number}"}}'] = value
        series[f'llmtrain_gpu_assigned{{node="n1", gpu="{number}", {POD}, training_job="{job}"}}'] = held
    return series


def gpu(metric: str, values: str, more: str = "") -> History:
    """Return a metric of a GPU that nobody has."""
    return {f'{metric}{{node="n1", gpu="0"{more}}}': values}


def pod(metric: str, values: str, job: str = "gpt", more: str = "") -> History:
    """Return a metric of the pod."""
    return {f'{metric}{{node="n1", {POD}, training_job="{job}"{more}}}': values}


def node(metric: str, values: str, more: str = "") -> History:
    """Return a metric of the node."""
    return {f'{metric}{{node="n1"{more}}}': values}


def agent(values: str, on: str = "n1") -> History:
    """Return that a node's agent tells of it."""
    return {f'llmtrain_agent_gpu_library_info{{node="{on}", source="nvml", version="1"}}': values}
