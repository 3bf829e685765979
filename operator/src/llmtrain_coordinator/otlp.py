"""The job's metrics by OpenTelemetry's protocol (OTLP over HTTP), as its SDK sends them: from a thread of its own.

Names, labels and help are the catalogue's; OpenTelemetry's counters go without `_total`, which Prometheus adds again.
Address, headers and interval are OpenTelemetry's own variables.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from llmtrain_api.metrics import job
from llmtrain_api.metrics.metric import Metric
from llmtrain_coordinator import log
from llmtrain_coordinator.metrics import samples
from llmtrain_coordinator.snapshot import CoordinatorSnapshot

LAST_WORDS_SECONDS = 1.0
QUIET_SECONDS = 600.0
"""How long nothing is said after a complaint: a collector that is away would be complained of all the time."""
Observe = Callable[[CallbackOptions], Iterable[Observation]]


class Exporter:
    """Sends what is known of a job until it is closed. Whoever is away costs the job nothing."""

    def __init__(self, known: Callable[[], CoordinatorSnapshot], labels: tuple[str, str]) -> None:
        self._known, self._labels = known, labels
        complain_in_our_log()
        namespace, name = labels
        resource = Resource.create({"service.name": f"{name}-coordinator", "service.namespace": namespace})
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        self._provider = MeterProvider(metric_readers=[reader], resource=resource)
        meter = self._provider.get_meter("llmtrain")
        for metric in job.METRICS:
            make = meter.create_observable_counter if metric.kind == "counter" else meter.create_observable_gauge
            make(metric.name.removesuffix("_total"), callbacks=self._callbacks(metric), description=metric.help)

    def close(self) -> None:
        """Send what is known last, for at most a moment."""
        self._provider.shutdown(timeout_millis=LAST_WORDS_SECONDS * 1000)

    def _callbacks(self, metric: Metric) -> Sequence[Observe]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            for told, number, labels in samples(self._known()):
                if told is metric:
                    yield Observation(number, dict(zip(metric.labels, (*self._labels, *labels), strict=True)))

        return [observe]


class ThrottledLogHandler(logging.Handler):
    """Writes what OpenTelemetry complains of into our log, now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._said_at: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, unless one was written just before."""
        now = self._clock()
        if self._said_at is None or now - self._said_at >= QUIET_SECONDS:
            self._said_at = now
            log.write("exportFailed", {"message": record.getMessage()}, level="warning")


def complain_in_our_log() -> None:
    """Have OpenTelemetry say nothing elsewhere."""
    theirs = logging.getLogger("opentelemetry")
    theirs.handlers, theirs.propagate = [ThrottledLogHandler()], False
