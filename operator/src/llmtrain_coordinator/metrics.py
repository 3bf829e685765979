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
"""A metric, its value, and the values of its labels beside the job's."""
Family = CounterMetricFamily | GaugeMetricFamily


class JobCollector(Collector):
    """Tells what is known at one scrape."""

    def __init__(self, known: CoordinatorSnapshot, labels: tuple[str, str]) -> None:
        self._known, self._labels = known, labels

    def collect(self) -> Iterator[Family]:
        """Yield one family a metric."""
        by_metric: dict[Metric, list[tuple[Labels, float]]] = {}
        for metric, number, labels in samples(self._known):
            by_metric.setdefault(metric, []).append((labels, number))
        for metric, numbers in by_metric.items():
            family = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(
                metric.name, metric.help, labels=metric.labels
            )
            for labels, number in numbers:
                family.add_metric((*self._labels, *labels), number)
            yield family


def exposition(collector: Collector) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def samples(known: CoordinatorSnapshot) -> Iterable[Sample]:
    """Return what is known now. What is not known yet has no sample, so that no graph begins with a false 0.

    Counters tell of all that they may count, from 0 on: Prometheus sees no increase in the first value of a series.
    """
    roster, ledger, account, status = known.roster, known.ledger, known.account, known.roster.status()
    yield metrics.JOB_GENERATION, status.generation, ()
    yield metrics.JOB_RANKS, status.joined, ()
    yield metrics.JOB_RANKS_DESIRED, status.desired, ()
    yield metrics.JOB_LOST_MEMBERS, roster.lost_members, ()
    yield metrics.JOB_REPLAYED_STEPS, ledger.replayed_steps, ()
    methods: tuple[RecoveryMethod, ...] = get_args(RecoveryMethod)
    for method in methods:
        yield metrics.JOB_RECOVERIES, ledger.count.get(method, 0), (method,)
        for part in RECOVERY_PHASES:
            yield metrics.JOB_RECOVERY_SECONDS, ledger.seconds.get((method, part), 0.0), (method, part)
    for member in roster.members():
        if member.incarnation in known.work_seconds:
            labels = (str(member.worker), str(member.local_rank))
            yield metrics.JOB_RANK_COMPUTE, known.work_seconds[member.incarnation], labels
    if account is not None:
        yield metrics.JOB_GOODPUT, account.goodput, ()
        for kind in CATEGORIES:
            yield metrics.JOB_SECONDS, account.ms.get(kind, 0) / 1000, (kind,)
    if roster.progress:
        yield from _of_progress(roster.progress)


def _of_progress(progress: Progress) -> Iterable[Sample]:
    written = progress.checkpoint_write
    known: tuple[tuple[Metric, float | None], ...] = (
        (metrics.JOB_STEP, progress.step),
        (metrics.JOB_STEPS, progress.steps),
        (metrics.JOB_LOSS, progress.loss),
        (metrics.JOB_HELD_OUT_LOSS, progress.held_out_loss),
        (metrics.JOB_LEARNING_RATE, progress.learning_rate),
        (metrics.JOB_GRADIENT_NORM, progress.gradient_norm),
        (metrics.JOB_TOKENS, progress.tokens),
        (metrics.JOB_TOKENS_PER_SECOND, progress.tokens_per_second),
        (metrics.JOB_MFU, progress.mfu),
        (metrics.JOB_CHECKPOINT_SIZE, written.size_bytes if written else None),
        (metrics.JOB_CHECKPOINT_WRITE, written.seconds if written else None),
        (metrics.JOB_VOLUME_SIZE, written.volume_size_bytes if written else None),
        (metrics.JOB_VOLUME_FREE, written.volume_free_bytes if written else None),
        (metrics.JOB_CHECKPOINT_FAILING, float(bool(progress.checkpoint_error))),
        (metrics.JOB_CHECKPOINT_TIME, _instant(progress.checkpoint.time) if progress.checkpoint else None),
        (metrics.JOB_CHECKPOINT_STEP, progress.checkpoint.step if progress.checkpoint else None),
    )
    return ((metric, number, ()) for metric, number in known if number is not None)


def _instant(time: str) -> float:
    """Return RFC 3339 as seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()
