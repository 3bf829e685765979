"""The client tells apart what is worth repeating and what isn't, and names the job in every request."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from llmtrain_api.protocol import (
    JOB_HEADER,
    CurrentGeneration,
    Heartbeat,
    Join,
    JoinPending,
    Leave,
    Member,
    Membership,
)
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.errors import BadInput, CoordinatorUnavailable

ME = Member(worker=0, local_rank=0, incarnation="me", address="127.0.0.1", store_port=1)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: tuple[int, str] = (200, '{"generation": 4}')
    heard: list[tuple[str, str | None, str]]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.heard.append((self.path, self.headers[JOB_HEADER], body))
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
    server.heard = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(server: Server) -> Iterator[CoordinatorClient]:
    client = CoordinatorClient(f"127.0.0.1:{server.server_port}", "uid-1")
    yield client
    client.close()


def test_messages_are_those_of_the_contract(server: Server, client: CoordinatorClient) -> None:
    assert client.heartbeat(Heartbeat(member=ME, generation=4, ranks=2, step=9)) == CurrentGeneration(generation=4)
    client.leave(Leave(incarnation="me", reason="Finished"))
    assert [(path, job) for path, job, _ in server.heard] == [("/v1/heartbeat", "uid-1"), ("/v1/leave", "uid-1")]
    assert Heartbeat.model_validate_json(server.heard[0][2]).step == 9


@pytest.mark.parametrize("answer", [JoinPending(joined=1, desired=2), Membership(generation=4, members=[ME])])
def test_a_join_is_answered_in_two_ways(
    server: Server, client: CoordinatorClient, answer: JoinPending | Membership
) -> None:
    server.answer = (200, answer.model_dump_json(by_alias=True))
    assert client.join(Join(member=ME)) == answer


@pytest.mark.parametrize("status", [403, 409])
def test_a_refusal_carries_the_sentence(server: Server, client: CoordinatorClient, status: int) -> None:
    server.answer = (status, '{"error": "worker 5 is not wanted"}')
    with pytest.raises(BadInput, match="worker 5 is not wanted"):
        client.join(Join(member=ME))


@pytest.mark.parametrize("answer", [(500, "oops"), (503, '{"error": "starting"}'), (200, "not JSON"), (200, "{}")])
def test_anything_else_is_worth_repeating(server: Server, client: CoordinatorClient, answer: tuple[int, str]) -> None:
    server.answer = answer
    with pytest.raises(CoordinatorUnavailable):
        client.heartbeat(Heartbeat(member=ME, generation=4, ranks=2, step=9))


def test_nobody_there_is_worth_repeating() -> None:
    with pytest.raises(CoordinatorUnavailable, match=r"coordinator 127\.0\.0\.1:1 doesn't answer"):
        CoordinatorClient("127.0.0.1:1", "uid").heartbeat(Heartbeat(member=ME, generation=4, ranks=2, step=9))
