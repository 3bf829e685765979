"""The job's metrics for Prometheus, named as in the catalogue of llmtrain_api.metrics.job."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_api.metrics import job as metrics
from llmtrain_api.metrics.metric import Metric
from llmtrain_api.protocol import RECOVERY_PHASES, Progress, RecoveryMethod
from llmtrain_api.time_ledger import CATEGORIES
from llmtrain_coordinator.snapshot import CoordinatorSnapshot

Labels = tuple[str, ...]
Sample = tuple[Metric, float, Labels]
"""A metric, its value, and the values of its labels after the job's."""
Family = CounterMetricFamily | GaugeMetricFamily


class JobCollector(Collector):
    """Exports one snapshot."""

    def __init__(self, snapshot: CoordinatorSnapshot, job_labels: tuple[str, str]) -> None:
        self._snapshot, self._job_labels = snapshot, job_labels

    def collect(self) -> Iterator[Family]:
        """Yield one family per metric."""
        by_metric: dict[Metric, list[tuple[Labels, float]]] = {}
        for metric, number, labels in samples(self._snapshot):
            by_metric.setdefault(metric, []).append((labels, number))
        for metric, numbers in by_metric.items():
            family = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(
                metric.name, metric.help, labels=metric.labels
            )
            for labels, number in numbers:
                family.add_metric((*self._job_labels, *labels), number)
            yield family


def exposition(collector: Collector) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def samples(snapshot: CoordinatorSnapshot) -> Iterable[Sample]:
    """Yield the samples of a snapshot. Unknown values have none, so that no graph starts with a false 0.

    Counters have a sample for each possible label value from 0 on: Prometheus sees no increase in a series' first value.
    """
    group, recovery_log, status = snapshot.group, snapshot.recovery_log, snapshot.group.status()
    yield metrics.JOB_GENERATION, status.generation, ()
    yield metrics.JOB_RANKS, status.joined, ()
    yield metrics.JOB_RANKS_DESIRED, status.wanted, ()
    yield metrics.JOB_LOST_MEMBERS, group.lost_members, ()
    yield metrics.JOB_REPLAYED_STEPS, recovery_log.replayed_steps, ()
    methods: tuple[RecoveryMethod, ...] = get_args(RecoveryMethod)
    for method in methods:
        yield metrics.JOB_RECOVERIES, recovery_log.counts.get(method, 0), (method,)
        for phase in RECOVERY_PHASES:
            yield metrics.JOB_RECOVERY_SECONDS, recovery_log.seconds.get((method, phase), 0.0), (method, phase)
    for member in group.ranked_members():
        if member.incarnation in snapshot.compute_seconds:
            labels = (str(member.worker), str(member.local_rank))
            yield metrics.JOB_RANK_COMPUTE, snapshot.compute_seconds[member.incarnation], labels
    if snapshot.ledger is not None:
        yield metrics.JOB_GOODPUT, snapshot.ledger.goodput, ()
        for category in CATEGORIES:
            yield metrics.JOB_SECONDS, snapshot.ledger.ms.get(category, 0) / 1000, (category,)
    if group.progress:
        yield from _progress_samples(group.progress)


def _progress_samples(progress: Progress) -> Iterable[Sample]:
    write = progress.written
    values: tuple[tuple[Metric, float | None], ...] = (
        (metrics.JOB_STEP, progress.step),
        (metrics.JOB_STEPS, progress.steps),
        (metrics.JOB_LOSS, progress.loss),
        (metrics.JOB_HELD_OUT_LOSS, progress.held_out_loss),
        (metrics.JOB_LEARNING_RATE, progress.learning_rate),
        (metrics.JOB_GRADIENT_NORM, progress.gradient_norm),
        (metrics.JOB_TOKENS, progress.tokens),
        (metrics.JOB_TOKENS_PER_SECOND, progress.tokens_per_second),
        (metrics.JOB_MFU, progress.mfu),
        (metrics.JOB_CHECKPOINT_SIZE, write.size_bytes if write else None),
        (metrics.JOB_CHECKPOINT_WRITE, write.seconds if write else None),
        (metrics.JOB_VOLUME_SIZE, write.volume_size_bytes if write else None),
        (metrics.JOB_VOLUME_FREE, write.volume_free_bytes if write else None),
        (metrics.JOB_CHECKPOINT_FAILING, float(bool(progress.checkpoint_error))),
        (metrics.JOB_CHECKPOINT_TIME, _unix_seconds(progress.checkpoint.time) if progress.checkpoint else None),
        (metrics.JOB_CHECKPOINT_STEP, progress.checkpoint.step if progress.checkpoint else None),
    )
    return ((metric, value, ()) for metric, value in values if value is not None)


def _unix_seconds(time: str) -> float:
    """Return an RFC 3339 time as seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()
