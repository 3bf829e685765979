"""The job's metrics for Prometheus, named as in the catalogue of llmtrain_api.metrics.job."""

from collections.abc import Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_api.metrics import job as metrics
from llmtrain_api.metrics.metric import Metric, Sample, families
from llmtrain_api.protocol import Progress
from llmtrain_api.recovery_record import RECOVERY_PHASES, RecoveryMethod
from llmtrain_api.time_ledger import CATEGORIES
from llmtrain_api.timestamps import try_parse_rfc3339
from llmtrain_coordinator.snapshot import CoordinatorSnapshot

Family = CounterMetricFamily | GaugeMetricFamily


class JobCollector(Collector):
    """Exports one snapshot."""

    def __init__(self, snapshot: CoordinatorSnapshot, job_labels: tuple[str, str]) -> None:
        self._snapshot, self._job_labels = snapshot, job_labels

    def collect(self) -> Iterator[Family]:
        """Yield one family per metric."""
        return families(
            samples(self._snapshot, self._job_labels),
            gauge_family=GaugeMetricFamily,
            counter_family=CounterMetricFamily,
        )


def exposition(collector: Collector) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def samples(snapshot: CoordinatorSnapshot, job_labels: tuple[str, str]) -> Iterator[Sample]:
    """Yield the samples of a snapshot. Unknown values have none, so that no graph starts with a false 0.

    Counters have a sample for each possible label value from 0 on: Prometheus sees no increase in a series' first value.
    """
    for metric, labels, value in _job_values(snapshot):
        yield Sample(metric, (*job_labels, *labels), value)


def _job_values(snapshot: CoordinatorSnapshot) -> Iterator[tuple[Metric, tuple[str, ...], float]]:
    """Yield metrics with their label values after the job's."""
    group, recovery_log, status = snapshot.group, snapshot.recovery_log, snapshot.group.status()
    yield metrics.JOB_GENERATION, (), status.generation
    yield metrics.JOB_RANKS, (), status.joined
    yield metrics.JOB_RANKS_DESIRED, (), status.desired
    yield metrics.JOB_LOST_MEMBERS, (), group.lost_members
    yield metrics.JOB_REPLAYED_STEPS, (), recovery_log.replayed_steps
    methods: tuple[RecoveryMethod, ...] = get_args(RecoveryMethod)
    for method in methods:
        yield metrics.JOB_RECOVERIES, (method,), recovery_log.counts.get(method, 0)
        for phase in RECOVERY_PHASES:
            yield metrics.JOB_RECOVERY_SECONDS, (method, phase), recovery_log.seconds.get((method, phase), 0.0)
    for member in group.ranked_members():
        if member.incarnation in snapshot.compute_seconds:
            labels = (str(member.worker), str(member.local_rank))
            yield metrics.JOB_RANK_COMPUTE, labels, snapshot.compute_seconds[member.incarnation]
    if snapshot.ledger is not None:
        yield metrics.JOB_GOODPUT, (), snapshot.ledger.goodput
        for category in CATEGORIES:
            yield metrics.JOB_SECONDS, (category,), snapshot.ledger.ms.get(category, 0) / 1000
    if group.progress:
        for metric, value in _progress_values(group.progress):
            if value is not None:
                yield metric, (), value


def _progress_values(progress: Progress) -> tuple[tuple[Metric, float | None], ...]:
    write, checkpoint = progress.checkpoint_write, progress.checkpoint
    checkpoint_time = try_parse_rfc3339(checkpoint.time) if checkpoint else None
    return (
        (metrics.JOB_STEP, progress.step),
        (metrics.JOB_STEPS, progress.steps),
        (metrics.JOB_LOSS, progress.loss),
        (metrics.JOB_HELD_OUT_LOSS, progress.held_out_loss),
        (metrics.JOB_LEARNING_RATE, progress.learning_rate),
        (metrics.JOB_GRADIENT_NORM, progress.gradient_norm),
        (metrics.JOB_BAD_STEPS, progress.bad_steps),
        (metrics.JOB_BAD_STEP, progress.bad_step.step if progress.bad_step else None),
        (metrics.JOB_BAD_MICROBATCH, progress.bad_step.microbatch if progress.bad_step else None),
        (metrics.JOB_TOKENS, progress.tokens),
        (metrics.JOB_TOKENS_PER_SECOND, progress.tokens_per_second),
        (metrics.JOB_MFU, progress.mfu),
        (metrics.JOB_CHECKPOINT_SIZE, write.size_bytes if write else None),
        (metrics.JOB_CHECKPOINT_WRITE, write.seconds if write else None),
        (metrics.JOB_VOLUME_SIZE, write.volume_size_bytes if write else None),
        (metrics.JOB_VOLUME_FREE, write.volume_free_bytes if write else None),
        (metrics.JOB_CHECKPOINT_FAILING, float(bool(progress.checkpoint_error))),
        (metrics.JOB_CHECKPOINT_TIME, checkpoint_time.timestamp() if checkpoint_time else None),
        (metrics.JOB_CHECKPOINT_STEP, checkpoint.step if checkpoint else None),
    )
