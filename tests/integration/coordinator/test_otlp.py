"""A coordinator whose OpenTelemetry collector is unreachable at first is not slowed, and exports once it is there."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from llmtrain_api.events import CoordinatorEvent
from llmtrain_api.job_token import authorization, new_token
from llmtrain_api.model import Model
from llmtrain_api.protocol import JOB_HEADER
from llmtrain_coordinator.otlp import SHUTDOWN_SECONDS
from llmtrain_operator.core.objects.coordinator import GRACE_SECONDS
from support.polling import eventually
from support.ports import free_port
from unit.coordinator.messages import join, progress

DEADLINE_SECONDS = 30.0
TOKEN = new_token()
EXPORT_TIMEOUT_SECONDS = 300
"""How long an export waits for the collector: far longer than the tests wait for the coordinator."""


class Coordinator:
    """A coordinator process that exports to the collector at an address."""

    def __init__(self, directory: Path, collector: str) -> None:
        self.port, self.log_file = free_port(), directory / "log"
        (directory / "token").write_text(TOKEN)
        names = ["--job=gpt", "--namespace=team", "--uid=uid-1", "--workers=1", "--ranks-per-worker=1"]
        names.append(f"--token-file={directory / 'token'}")
        otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_METRIC_EXPORT_INTERVAL": "200"}
        otel["OTEL_EXPORTER_OTLP_TIMEOUT"] = str(EXPORT_TIMEOUT_SECONDS)
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "llmtrain_coordinator", *names, "--host=127.0.0.1", f"--port={self.port}"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **otel},
                stdout=log,
                stderr=log,
            )
        eventually(lambda: CoordinatorEvent.COORDINATOR_STARTED in self.events(), "the coordinator listens")

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log_file.read_text().splitlines()]

    def send(self, path: str, message: Model) -> None:
        """Send a message; TimeoutError if no answer arrives before an export would time out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        connection.request(
            "POST", path, message.model_dump_json(by_alias=True), {JOB_HEADER: "uid-1", **authorization(TOKEN)}
        )
        assert connection.getresponse().status == 200
        connection.close()

    def stop(self) -> None:
        """Stop it with SIGTERM; TimeoutExpired if it does not exit before an export would time out."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE_SECONDS) == 0


def serve(port: int, received: list[ExportMetricsServiceRequest]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(
                ExportMetricsServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def steps(received: list[ExportMetricsServiceRequest]) -> list[int]:
    return [
        point.as_int
        for request in received
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "llmtrain_job_step"
        for point in metric.gauge.data_points
    ]


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Yield the socket of a collector that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(DEADLINE_SECONDS)
        yield listener


def test_a_collector_that_starts_late_receives_the_newest_values(tmp_path: Path) -> None:
    port, received = free_port(), list[ExportMetricsServiceRequest]()
    coordinator = Coordinator(tmp_path, f"http://127.0.0.1:{port}")
    try:
        coordinator.send("/v1/join", join("a0"))
        eventually(lambda: CoordinatorEvent.EXPORT_FAILED in coordinator.events(), "an export has failed")
        for step in range(1, 8):
            coordinator.send("/v1/progress", progress(1, step))
        server = serve(port, received)
        eventually(lambda: 7 in steps(received), "the collector has the newest step")
        coordinator.send("/v1/progress", progress(1, 9))
        coordinator.stop()
        assert steps(received)[-1] == 9
        server.shutdown()
        server.server_close()
    finally:
        coordinator.process.kill()


def test_a_collector_that_never_answers_delays_nothing(tmp_path: Path, silent: socket.socket) -> None:
    coordinator = Coordinator(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
    try:
        coordinator.send("/v1/join", join("a0"))
        export, _ = silent.accept()
        with export:
            for step in range(1, 30):
                coordinator.send("/v1/progress", progress(1, step))
            coordinator.stop()
    finally:
        coordinator.process.kill()


def test_the_last_export_fits_into_the_grace_period_of_the_pod() -> None:
    assert SHUTDOWN_SECONDS < GRACE_SECONDS
