"""The coordinator's process serves until it is stopped, and keeps no rank waiting then."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmtrain_api.job_token import authorization, new_token
from llmtrain_api.listening import any_address
from llmtrain_api.protocol import JOB_HEADER, JOIN_LONG_POLL_SECONDS, CoordinatorStatus, Message
from support.polling import DEADLINE_SECONDS, eventually
from support.ports import free_port
from unit.coordinator.messages import heartbeat, join, leave, progress

TOKEN = new_token()
HEADERS = {JOB_HEADER: "uid-1", **authorization(TOKEN)}
OPTIONS = "--job gpt --namespace team --uid uid-1 --workers 2 --ranks-per-worker 1 --host 127.0.0.1".split()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def process(port: int, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A coordinator of two ranks."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    command = [sys.executable, "-m", "llmtrain_coordinator", *OPTIONS, "--port", str(port), "--token-file", str(file)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def joined(port: int) -> int:
    """Return how many ranks have joined; -1 while the coordinator does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", "/v1/status", headers=HEADERS)
        return CoordinatorStatus.model_validate_json(connection.getresponse().read()).joined
    except ConnectionRefusedError:
        return -1
    finally:
        connection.close()


@contextmanager
def request(port: int, path: str, message: Message) -> Iterator[http.client.HTTPConnection]:
    """Send a request, and yield its connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    connection.request("POST", path, message.model_dump_json(by_alias=True), HEADERS)
    try:
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize("content", [None, "too short"])
def test_without_a_token_it_does_not_start(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    command = [sys.executable, "-m", "llmtrain_coordinator", *OPTIONS, "--token-file", str(tmp_path / "token")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert (done.returncode, "--token-file" in done.stderr) == (2, True)


def test_it_listens_on_ipv4_and_ipv6(tmp_path: Path, port: int) -> None:
    (tmp_path / "token").write_text(TOKEN)
    options = [option for option in OPTIONS if option not in ("--host", "127.0.0.1")]
    command = [sys.executable, "-m", "llmtrain_coordinator", *options, "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([*command, "--token-file", str(tmp_path / "token")], env=environment) as process:
        eventually(lambda: joined(port) == 0, "the coordinator serves")
        if any_address() == "::":
            connection = http.client.HTTPConnection("::1", port, timeout=DEADLINE_SECONDS)
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
            connection.close()
        process.kill()


def test_a_held_join_does_not_delay_the_end(process: "subprocess.Popen[bytes]", port: int) -> None:
    eventually(lambda: joined(port) == 0, "the coordinator serves")
    with request(port, "/v1/join", join("a0")):
        eventually(lambda: joined(port) == 1, "the rank has joined")
        stopped_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_SECONDS) == 0
    assert time.monotonic() - stopped_at < JOIN_LONG_POLL_SECONDS / 2


def test_a_coordinator_that_stops_takes_no_member_for_lost(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Otherwise a member that is answered abandons its step, although its peers train on."""
    eventually(lambda: joined(port) == 0, "the coordinator serves")
    with request(port, "/v1/join", join("a0")) as first, request(port, "/v1/join", join("a1")) as second:
        assert [connection.getresponse().status for connection in (first, second)] == [200, 200]
    with request(port, "/v1/heartbeat", heartbeat("a0", 1)), request(port, "/v1/heartbeat", heartbeat("a1", 1)):
        assert joined(port) == 2  # answered after the heartbeats have arrived
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert events == ["coordinatorStarted", "memberJoined", "memberJoined", "generationStarted", "coordinatorStopped"]


def scrape(port: int) -> str:
    """Return the metrics."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_the_figures_of_the_last_step_are_scraped(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Its scraper comes twice before the end and once after it, and nothing is known of the interval but that."""
    eventually(lambda: joined(port) == 0, "the coordinator serves")
    scrape(port)
    time.sleep(3)
    scrape(port)
    with request(port, "/v1/join", join("a0")) as first, request(port, "/v1/join", join("a1")) as second:
        assert [connection.getresponse().status for connection in (first, second)] == [200, 200]
    for path, message in (
        ("/v1/progress", progress(1, 10)),
        ("/v1/leave", leave("a0", "Finished")),
        ("/v1/leave", leave("a1", "Finished")),
    ):
        with request(port, path, message) as connection:
            assert connection.getresponse().status == 200
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert 'llmtrain_job_step{namespace="team",training_job="gpt"} 10.0' in scrape(port)
    assert process.wait(DEADLINE_SECONDS) == 0
