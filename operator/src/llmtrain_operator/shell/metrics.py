"""The operator's metrics, made from the catalogue."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import Counter, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from llmtrain_api.metrics.metric import Metric
from llmtrain_api.metrics.operator import API_CALLS, LEADER, QUEUE_DEPTH, RECONCILE_SECONDS, RECONCILES
from llmtrain_operator.core.fleet_metrics import FleetSnapshot, samples


def counter(metric: Metric) -> Counter:
    """Return the counter of a catalogue entry."""
    return Counter(metric.name.removesuffix("_total"), metric.help, metric.labels)


disable_created_metrics()  # type: ignore[no-untyped-call]
CALLS, RUNS, SECONDS = counter(API_CALLS), counter(RECONCILES), counter(RECONCILE_SECONDS)


def count_call(verb: str, resource: str, code: int) -> None:
    """Count one call to the API."""
    CALLS.labels(verb=verb, resource=resource, code=str(code)).inc()


def count_reconcile(kind: str, result: str, seconds: float) -> None:
    """Count one reconciliation."""
    RUNS.labels(kind=kind, result=result).inc()
    SECONDS.labels(kind=kind).inc(seconds)


class OperatorCollector(Collector):
    """Gauges that are read at the moment of the scrape. Only who leads tells of jobs and pools, or sums would double."""

    def __init__(
        self, depth: Callable[[], int], leads: Callable[[], bool], census: Callable[[], FleetSnapshot]
    ) -> None:
        self.depth, self.leads, self.census = depth, leads, census

    def collect(self) -> Iterator[Family]:
        """Yield one family a metric."""
        leads = self.leads()
        told: dict[Metric, list[tuple[tuple[str, ...], float]]] = {
            QUEUE_DEPTH: [((), self.depth())],
            LEADER: [((), float(leads))],
        }
        for metric, labels, number in samples(self.census(), now=datetime.now(UTC)) if leads else ():
            told.setdefault(metric, []).append((labels, number))
        for metric, numbers in told.items():
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, number in numbers:
                family.add_metric(labels, number)
            yield family
