"""The job's metrics for Prometheus, named as in the catalogue of llmtrain_api.metrics.job."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_api.membership import Progress
from llmtrain_api.metrics import job as metrics
from llmtrain_api.metrics.metric import Metric
from llmtrain_coordinator.roster import Roster

Sample = tuple[Metric, float]
Family = CounterMetricFamily | GaugeMetricFamily


class JobCollector(Collector):
    """Reads the roster whenever Prometheus asks."""

    def __init__(self, roster: Callable[[], Roster], *, namespace: str, job: str) -> None:
        self._roster = roster
        self._labels = (namespace, job)

    def collect(self) -> Iterator[Family]:
        """Yield one family a metric."""
        for metric, number in samples(self._roster()):
            family = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(
                metric.name, metric.help, labels=metric.labels
            )
            family.add_metric(self._labels, number)
            yield family


def exposition(collector: Collector) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def samples(roster: Roster) -> Iterable[Sample]:
    """Return what is known now. What is not known yet has no sample, so that no graph begins with a false 0."""
    status = roster.status()
    membership: tuple[Sample, ...] = (
        (metrics.JOB_GENERATION, status.generation),
        (metrics.JOB_RANKS, status.joined),
        (metrics.JOB_RANKS_WANTED, status.wanted),
        (metrics.JOB_LOST_MEMBERS, roster.lost_members),
    )
    return membership + (_of_progress(roster.progress) if roster.progress else ())


def _of_progress(progress: Progress) -> tuple[Sample, ...]:
    known: tuple[tuple[Metric, float | None], ...] = (
        (metrics.JOB_STEP, progress.step),
        (metrics.JOB_STEPS, progress.steps),
        (metrics.JOB_LOSS, progress.loss),
        (metrics.JOB_HELD_OUT_LOSS, progress.held_out_loss),
        (metrics.JOB_LEARNING_RATE, progress.learning_rate),
        (metrics.JOB_GRADIENT_NORM, progress.gradient_norm),
        (metrics.JOB_TOKENS, progress.tokens),
        (metrics.JOB_TOKENS_PER_SECOND, progress.tokens_per_second),
        (metrics.JOB_CHECKPOINT_STEP, progress.checkpoint.step if progress.checkpoint else None),
    )
    return tuple((metric, number) for metric, number in known if number is not None)
