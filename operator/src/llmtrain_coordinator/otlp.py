"""Exports the job's metrics by OpenTelemetry's protocol (OTLP over HTTP), from a background thread of its SDK.

Names, labels and help are the catalogue's, but counters lack `_total`, which Prometheus would add a second time.
Endpoint, headers and interval come from OpenTelemetry's own environment variables.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from llmtrain_api.events import CoordinatorEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.metrics import job
from llmtrain_api.metrics.metric import Metric
from llmtrain_coordinator.metrics import samples
from llmtrain_coordinator.snapshot import CoordinatorSnapshot

SHUTDOWN_SECONDS = 1.0
"""How long the last export can take."""
LOG_INTERVAL_SECONDS = 600.0
"""Shortest time between two warnings: an unreachable collector would cause one per export."""
Callback = Callable[[CallbackOptions], Iterable[Observation]]


class Exporter:
    """Exports a job's metrics until it is closed. An unreachable collector never slows the job."""

    def __init__(self, snapshot: Callable[[], CoordinatorSnapshot], job_labels: tuple[str, str]) -> None:
        self._snapshot, self._job_labels = snapshot, job_labels
        namespace, name = job_labels
        redirect_log(JsonLog(fields={"job": name, "namespace": namespace}))
        resource = Resource.create({"service.name": f"{name}-coordinator", "service.namespace": namespace})
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        self._provider = MeterProvider(metric_readers=[reader], resource=resource)
        meter = self._provider.get_meter("llmtrain")
        for metric in job.METRICS:
            create = meter.create_observable_counter if metric.kind == "counter" else meter.create_observable_gauge
            create(metric.name.removesuffix("_total"), callbacks=self._callbacks(metric), description=metric.help)

    def close(self) -> None:
        """Export once more, for at most `SHUTDOWN_SECONDS`."""
        self._provider.shutdown(timeout_millis=SHUTDOWN_SECONDS * 1000)

    def _callbacks(self, metric: Metric) -> Sequence[Callback]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            for sample in samples(self._snapshot(), self._job_labels):
                if sample.metric is metric:
                    yield Observation(sample.value, dict(zip(metric.labels, sample.labels, strict=True)))

        return [observe]


class ThrottledLogHandler(logging.Handler):
    """Writes OpenTelemetry's warnings as events of the coordinator's log, at most one per `LOG_INTERVAL_SECONDS`."""

    def __init__(self, log: JsonLog, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._log, self._clock = log, clock
        self._logged_at_seconds: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record unless another one was written recently."""
        now = self._clock()
        if self._logged_at_seconds is None or now - self._logged_at_seconds >= LOG_INTERVAL_SECONDS:
            self._logged_at_seconds = now
            self._log.warning(CoordinatorEvent.EXPORT_FAILED, message=record.getMessage())


def redirect_log(log: JsonLog) -> None:
    """Send OpenTelemetry's warnings to `log` only."""
    logger = logging.getLogger("opentelemetry")
    logger.handlers, logger.propagate = [ThrottledLogHandler(log)], False
