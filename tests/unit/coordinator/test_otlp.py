"""The job's metrics reach an OpenTelemetry collector; an unreachable one causes a warning and nothing else."""

import gzip
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.metrics import job
from llmtrain_coordinator.otlp import LOG_INTERVAL_SECONDS, Exporter, ThrottledLogHandler
from unit.coordinator.snapshots import SNAPSHOT


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportMetricsServiceRequest]]]:
    """Yield the URL of a collector, and the requests that it receives."""
    received: list[ExportMetricsServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            received.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        server.server_close()


def test_a_collector_gets_every_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (url, received):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        Exporter(lambda: SNAPSHOT, ("team", "gpt")).close()
    (resource,) = received[-1].resource_metrics
    attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert (attributes["service.namespace"], attributes["service.name"]) == ("team", "gpt-coordinator")
    metrics = {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
    assert metrics.keys() == {metric.name.removesuffix("_total") for metric in job.METRICS}
    (step,) = metrics["llmtrain_job_step"].gauge.data_points
    assert step.as_int == 4
    assert {one.key: one.value.string_value for one in step.attributes} == {"namespace": "team", "training_job": "gpt"}
    recoveries = metrics["llmtrain_job_recoveries"].sum
    assert recoveries.is_monotonic
    counts = {point.attributes[-1].value.string_value: point.as_int for point in recoveries.data_points}
    assert counts == {"process": 2, "pod": 0, "checkpoint": 0}


def test_an_unreachable_collector_causes_one_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    Exporter(lambda: SNAPSHOT, ("team", "gpt")).close()
    output = capsys.readouterr()
    assert [json.loads(line)["event"] for line in output.out.splitlines()] == ["exportFailed"]
    assert output.err == ""


def test_warnings_are_throttled(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, LOG_INTERVAL_SECONDS - 1, LOG_INTERVAL_SECONDS])
    handler = ThrottledLogHandler(JsonLog(), lambda: next(times))
    for number in range(4):
        handler.emit(logging.LogRecord("x", logging.WARNING, "x", 1, f"unreachable {number}", (), None))
    assert [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()] == [
        "unreachable 0",
        "unreachable 3",
    ]
