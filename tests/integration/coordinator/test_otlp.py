"""A coordinator whose OpenTelemetry collector is unreachable at first is not slowed, and exports once it is there."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from llmtrain_api.events import CoordinatorEvent
from llmtrain_api.model import Model
from llmtrain_api.protocol import JOB_HEADER
from support.polling import eventually
from support.ports import free_port
from unit.coordinator.messages import join, progress

DEADLINE_SECONDS = 30.0
GRACE_PERIOD_SECONDS = 2.0
"""Termination grace period of a coordinator's pod."""


class Coordinator:
    """A coordinator process that exports to the collector at an address."""

    def __init__(self, directory: Path, collector: str) -> None:
        self.port, self.log_file = free_port(), directory / "log"
        names = ["--job=gpt", "--namespace=team", "--uid=uid-1", "--workers=1", "--ranks-per-worker=1"]
        otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_METRIC_EXPORT_INTERVAL": "200"}
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

    def send(self, path: str, message: Model) -> float:
        """Send a message; return the seconds until the answer."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        connection.request("POST", path, message.model_dump_json(by_alias=True), {JOB_HEADER: "uid-1"})
        assert connection.getresponse().status == 200
        connection.close()
        return time.monotonic() - began

    def stop(self) -> float:
        """Stop it with SIGTERM and return the seconds until it exits."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE_SECONDS) == 0
        return time.monotonic() - began


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
def silent() -> Iterator[str]:
    """Yield the URL of a collector that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_collector_that_starts_late_receives_the_newest_values(tmp_path: Path) -> None:
    port, received = free_port(), list[ExportMetricsServiceRequest]()
    coordinator = Coordinator(tmp_path, f"http://127.0.0.1:{port}")
    try:
        coordinator.send("/v1/join", join("a0"))
        eventually(lambda: CoordinatorEvent.EXPORT_FAILED in coordinator.events(), "an export has failed")
        assert max(coordinator.send("/v1/progress", progress(1, step)) for step in range(1, 8)) < 1.0
        server = serve(port, received)
        eventually(lambda: 7 in steps(received), "the collector has the newest step")
        coordinator.send("/v1/progress", progress(1, 9))
        coordinator.stop()
        assert steps(received)[-1] == 9
        server.shutdown()
        server.server_close()
    finally:
        coordinator.process.kill()


def test_a_collector_that_never_answers_delays_nothing(tmp_path: Path, silent: str) -> None:
    coordinator = Coordinator(tmp_path, silent)
    try:
        coordinator.send("/v1/join", join("a0"))
        for step in range(1, 30):
            assert coordinator.send("/v1/progress", progress(1, step)) < 1.0
            time.sleep(0.02)
        assert coordinator.stop() < GRACE_PERIOD_SECONDS
    finally:
        coordinator.process.kill()
