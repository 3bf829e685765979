"""The client separates errors that can be retried from those that cannot, and names the job in every request."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from llmtrain_api.job_token import authorization, new_token
from llmtrain_api.protocol import (
    JOB_HEADER,
    JOIN_LONG_POLL_SECONDS,
    CurrentGeneration,
    Heartbeat,
    Join,
    JoinPending,
    Leave,
    Member,
    Membership,
)
from llmtrain_trainer.distributed import coordinator_client
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.errors import BadInput, CoordinatorUnavailable
from support.local_coordinator import TOKEN as JOB_TOKEN
from unit.trainer.builders import MakeRun

TOKEN = new_token()
ME = Member(worker=0, local_rank=0, incarnation="me", address="127.0.0.1", store_port=1)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: tuple[int, str] = (200, '{"generation": 4}')
    requests: list[tuple[str, str | None, str]]
    tokens: list[str | None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append((self.path, self.headers[JOB_HEADER], body))
        self.server.tokens.append(self.headers["Authorization"])
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.requests, server.tokens = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(server: Server) -> Iterator[CoordinatorClient]:
    client = CoordinatorClient(f"127.0.0.1:{server.server_port}", "uid-1", TOKEN)
    yield client
    client.close()


def test_requests_carry_the_job_and_the_message(server: Server, client: CoordinatorClient) -> None:
    assert client.heartbeat(Heartbeat(member=ME, generation=4, ranks=2, step=9)) == CurrentGeneration(generation=4)
    client.leave(Leave(incarnation="me", reason="Finished"))
    assert [(path, job) for path, job, _ in server.requests] == [("/v1/heartbeat", "uid-1"), ("/v1/leave", "uid-1")]
    assert Heartbeat.model_validate_json(server.requests[0][2]).step == 9


def test_requests_present_the_token_of_the_job(server: Server, make_run: MakeRun) -> None:
    run = make_run().model_copy(update={"coordinator": f"127.0.0.1:{server.server_port}"})
    with closing(CoordinatorClient.of(run)) as client:
        client.leave(Leave(incarnation="me", reason="Finished"))
    assert server.tokens == [authorization(JOB_TOKEN)["Authorization"]]


def test_a_pod_that_has_no_token_yet_asks_until_it_is_refused_no_more(server: Server, make_run: MakeRun) -> None:
    run = make_run().model_copy(
        update={"coordinator": f"127.0.0.1:{server.server_port}", "token_file": "/does/not/exist"}
    )
    server.answer = (401, '{"error": "no token"}')
    with closing(CoordinatorClient.of(run)) as client, pytest.raises(CoordinatorUnavailable, match="no token"):
        client.join(Join(member=ME))


@pytest.mark.parametrize("answer", [JoinPending(joined=1, desired=2), Membership(generation=4, members=[ME])])
def test_a_join_has_two_kinds_of_answer(
    server: Server, client: CoordinatorClient, answer: JoinPending | Membership
) -> None:
    server.answer = (200, answer.model_dump_json(by_alias=True))
    assert client.join(Join(member=ME)) == answer


@pytest.mark.parametrize("status", [403, 409])
def test_a_rejected_request_is_bad_input_with_the_message(
    server: Server, client: CoordinatorClient, status: int
) -> None:
    server.answer = (status, '{"error": "worker 5 does not exist"}')
    with pytest.raises(BadInput, match="worker 5 does not exist"):
        client.join(Join(member=ME))


@pytest.mark.parametrize("answer", [(500, "oops"), (503, '{"error": "starting"}'), (200, "not JSON"), (200, "{}")])
def test_any_other_answer_can_be_retried(server: Server, client: CoordinatorClient, answer: tuple[int, str]) -> None:
    server.answer = answer
    with pytest.raises(CoordinatorUnavailable):
        client.heartbeat(Heartbeat(member=ME, generation=4, ranks=2, step=9))


def test_an_unreachable_coordinator_can_be_retried() -> None:
    with pytest.raises(CoordinatorUnavailable, match=r"coordinator 127\.0\.0\.1:1 doesn't answer"):
        CoordinatorClient("127.0.0.1:1", "uid", TOKEN).heartbeat(Heartbeat(member=ME, generation=4, ranks=2, step=9))


def test_a_join_does_not_wait_for_a_connection_as_long_as_for_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets to a node that has failed are lost without an error, as those to a socket whose backlog is full."""
    monkeypatch.setattr(coordinator_client, "CONNECT_TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full, ExitStack() as connections:
        for _ in range(3):
            connection = connections.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex(full.getsockname())
        client = CoordinatorClient(f"127.0.0.1:{full.getsockname()[1]}", "uid", TOKEN)
        began = time.monotonic()
        with pytest.raises(CoordinatorUnavailable, match="timed out"):
            client.join(Join(member=ME))
    assert time.monotonic() - began < JOIN_LONG_POLL_SECONDS


def test_a_connection_that_the_coordinator_closes_after_an_answer_is_opened_again(
    server: Server, client: CoordinatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "protocol_version", "HTTP/1.0")
    for _ in range(2):
        client.leave(Leave(incarnation="me", reason="Finished"))
    assert len(server.requests) == 2


def test_a_rank_on_a_node_that_is_named_waiting_can_join(server: Server, client: CoordinatorClient) -> None:
    membership = Membership(generation=4, members=[ME.model_copy(update={"node": "waiting"})])
    server.answer = (200, membership.model_dump_json(by_alias=True))
    assert client.join(Join(member=ME)) == membership


def test_a_leave_that_cannot_be_reported_is_no_error() -> None:
    CoordinatorClient("127.0.0.1:1", "uid", TOKEN).leave_best_effort(Leave(incarnation="me", reason="Finished"))
