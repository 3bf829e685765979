"""A collector gets the job's metrics by OpenTelemetry's protocol, and one that is away costs nothing but a line."""

import gzip
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from llmtrain_api.metrics import job
from llmtrain_coordinator.otlp import QUIET_SECONDS, Exporter, ThrottledLogHandler
from unit.coordinator.test_metrics import KNOWN


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportMetricsServiceRequest]]]:
    """A server that keeps what it is sent."""
    sent: list[ExportMetricsServiceRequest] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            sent.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", sent
    finally:
        server.shutdown()
        server.server_close()


def test_a_collector_gets_every_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (url, sent):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        Exporter(lambda: KNOWN, ("team", "gpt")).close()
    (resource,) = sent[-1].resource_metrics
    named = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert (named["service.namespace"], named["service.name"]) == ("team", "gpt-coordinator")
    metrics = {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
    assert metrics.keys() == {metric.name.removesuffix("_total") for metric in job.METRICS}
    (step,) = metrics["llmtrain_job_step"].gauge.data_points
    assert step.as_int == 4
    assert {one.key: one.value.string_value for one in step.attributes} == {"namespace": "team", "training_job": "gpt"}
    recovered = metrics["llmtrain_job_recoveries"].sum
    assert recovered.is_monotonic
    counts = {point.attributes[-1].value.string_value: point.as_int for point in recovered.data_points}
    assert counts == {"process": 2, "pod": 0, "checkpoint": 0}


def test_a_collector_that_is_away_costs_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    Exporter(lambda: KNOWN, ("team", "gpt")).close()
    said = capsys.readouterr()
    assert [json.loads(line)["event"] for line in said.out.splitlines()] == ["exportFailed"]
    assert said.err == ""


def test_complaints_are_rare(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, QUIET_SECONDS - 1, QUIET_SECONDS])
    handler = ThrottledLogHandler(lambda: next(times))
    for number in range(4):
        handler.emit(logging.LogRecord("x", logging.WARNING, "x", 1, f"away {number}", (), None))
    assert [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()] == ["away 0", "away 3"]
