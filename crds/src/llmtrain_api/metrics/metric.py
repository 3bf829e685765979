"""One metric of the catalogue, and a sample of it. Base units; ratios are 0 to 1; label values are bounded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeVar

JOB_LABELS = ("namespace", "training_job")
"""Labels of a job's metrics. Not `job`: Prometheus sets that label to the name of the scrape job."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric as Prometheus sees it."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...]


class Sample(NamedTuple):
    """One value of a metric at the time of a scrape."""

    metric: Metric
    labels: tuple[str, ...]
    """Label values, in the order of `metric.labels`."""
    value: float


class Family(Protocol):
    """A metric family of prometheus_client, which this package does not depend on."""

    def add_metric(self, labels: Sequence[str], value: float) -> None:
        """Add the value for one combination of label values."""


F = TypeVar("F", bound=Family)


def gauge(name: str, help: str, *, labels: tuple[str, ...] = JOB_LABELS) -> Metric:
    """Return a metric that goes up and down."""
    return Metric(name=name, kind="gauge", help=help, labels=labels)


def counter(name: str, help: str, *, labels: tuple[str, ...] = JOB_LABELS) -> Metric:
    """Return a metric that only grows; its name ends in `_total`."""
    return Metric(name=name, kind="counter", help=help, labels=labels)


def families(
    samples: Iterable[Sample], *, gauge_family: Callable[..., F], counter_family: Callable[..., F]
) -> Iterator[F]:
    """Yield one family per metric, in the order in which metrics first occur in `samples`.

    Pass `GaugeMetricFamily` and `CounterMetricFamily` of prometheus_client.core.
    """
    by_metric: dict[Metric, list[Sample]] = {}
    for sample in samples:
        by_metric.setdefault(sample.metric, []).append(sample)
    for metric, of_metric in by_metric.items():
        make = counter_family if metric.kind == "counter" else gauge_family
        family = make(metric.name, metric.help, labels=metric.labels)
        for sample in of_metric:
            family.add_metric(sample.labels, sample.value)
        yield family
