"""The operator's metrics, made from the catalogue."""

from collections.abc import Callable, Iterator

from prometheus_client import REGISTRY, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from llmtrain_api.metrics.metric import Metric
from llmtrain_api.metrics.operator import API_CALLS, JOBS, LEADER, QUEUE_DEPTH, RECONCILE_SECONDS, RECONCILES


def counter(metric: Metric) -> Counter:
    """Return the counter of a catalogue entry."""
    return Counter(metric.name.removesuffix("_total"), metric.help, metric.labels)


CALLS, RUNS, SECONDS = counter(API_CALLS), counter(RECONCILES), counter(RECONCILE_SECONDS)


def count_call(verb: str, resource: str, code: int) -> None:
    """Count one call to the API."""
    CALLS.labels(verb=verb, resource=resource, code=str(code)).inc()


def count_reconcile(kind: str, result: str, seconds: float) -> None:
    """Count one reconciliation."""
    RUNS.labels(kind=kind, result=result).inc()
    SECONDS.labels(kind=kind).inc(seconds)


class OperatorCollector(Collector):
    """Gauges that are read at the moment of the scrape."""

    def __init__(
        self, depth: Callable[[], int], leads: Callable[[], bool], jobs: Callable[[], dict[tuple[str, str], int]]
    ) -> None:
        self.depth, self.leads, self.jobs = depth, leads, jobs
        REGISTRY.register(self)

    def collect(self) -> Iterator[Family]:
        """Yield the gauges."""
        for metric, value in ((QUEUE_DEPTH, self.depth()), (LEADER, int(self.leads()))):
            yield GaugeMetricFamily(metric.name, metric.help, value=value)
        jobs = GaugeMetricFamily(JOBS.name, JOBS.help, labels=JOBS.labels)
        for labels, number in sorted(self.jobs().items()):
            jobs.add_metric(labels, number)
        yield jobs
