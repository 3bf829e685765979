"""The operator's metrics, made from the catalogue."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import Counter, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from llmtrain_api.metrics.metric import Metric, Sample, families
from llmtrain_api.metrics.operator import (
    API_CALLS,
    LEADER,
    QUEUE_DEPTH,
    RECONCILE_SECONDS,
    RECONCILES,
    UNREADABLE_OBJECTS,
)
from llmtrain_operator.core.fleet_metrics import FleetSnapshot, fleet_samples


def counter(metric: Metric) -> Counter:
    """Return the counter of a catalogue entry."""
    return Counter(metric.name.removesuffix("_total"), metric.help, metric.labels)


disable_created_metrics()  # type: ignore[no-untyped-call]
CALLS, RECONCILIATIONS, SECONDS = counter(API_CALLS), counter(RECONCILES), counter(RECONCILE_SECONDS)
UNREADABLE = counter(UNREADABLE_OBJECTS)


def count_call(verb: str, resource: str, code: int) -> None:
    """Count one call of the Kubernetes API."""
    CALLS.labels(verb=verb, resource=resource, code=str(code)).inc()


def count_reconcile(kind: str, result: str, seconds: float) -> None:
    """Count one reconciliation."""
    RECONCILIATIONS.labels(kind=kind, result=result).inc()
    SECONDS.labels(kind=kind).inc(seconds)


def unreadable_objects(kind: str) -> Counter:
    """Return the counter of the versions of objects of a kind that cannot be read; it is exported from now on."""
    return UNREADABLE.labels(kind=kind)


class OperatorCollector(Collector):
    """Gauges that are computed when they are scraped.

    Only the leader exports the metrics of jobs, pools and claims; with several replicas, sums would double.
    """

    def __init__(
        self, queue_depth: Callable[[], int], is_leader: Callable[[], bool], observe: Callable[[], FleetSnapshot]
    ) -> None:
        self.queue_depth, self.is_leader, self.observe = queue_depth, is_leader, observe

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Yield one family per metric."""
        return families(self.samples(), gauge_family=GaugeMetricFamily, counter_family=CounterMetricFamily)

    def samples(self) -> Iterator[Sample]:
        """Yield the samples of one scrape."""
        is_leader = self.is_leader()
        yield Sample(QUEUE_DEPTH, (), self.queue_depth())
        yield Sample(LEADER, (), float(is_leader))
        if is_leader:
            yield from fleet_samples(self.observe(), now=datetime.now(UTC))
