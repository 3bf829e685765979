"""What 1,024 ranks cost their coordinator: a real process, one connection for each rank, on this machine."""

import os
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmtrain_api.job_token import authorization, new_token
from llmtrain_api.model import Model
from llmtrain_api.protocol import JOB_HEADER, Heartbeat, Join, Member, Membership, heartbeat_seconds
from support.polling import eventually
from support.ports import free_port
from support.process_usage import cpu_seconds, peak_mib

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]
WORKERS, RANKS_PER_WORKER = 128, 8
RANKS = WORKERS * RANKS_PER_WORKER
HEARTBEAT_ROUNDS = 4
TOKEN, UID = new_token(), "uid-1"


class Coordinator:
    """A coordinator of 1,024 ranks, and a connection of each rank."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        (folder / "token").write_text(TOKEN)
        names = ["--job=gpt", "--namespace=team", f"--uid={UID}", f"--token-file={folder / 'token'}"]
        size = [f"--workers={WORKERS}", f"--ranks-per-worker={RANKS_PER_WORKER}"]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "llmtrain_coordinator",
                    *names,
                    *size,
                    "--host=127.0.0.1",
                    f"--port={self.port}",
                ],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdout=log,
                stderr=log,
            )
        eventually(lambda: b"coordinatorStarted" in (folder / "log").read_bytes(), "the coordinator listens")
        self.ranks = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(RANKS)]

    def responses_to(self, path: str, messages: list[Model]) -> list[bytes]:
        """Send the message of each rank at once; return the answers."""
        for rank, message in zip(self.ranks, messages, strict=True):
            rank.sendall(request(path, message))
        answers: dict[int, bytes] = {}
        buffers = {rank.fileno(): bytearray() for rank in self.ranks}
        with selectors.DefaultSelector() as selector:
            for rank in self.ranks:
                selector.register(rank, selectors.EVENT_READ)
            while len(answers) < RANKS:
                for key, _ in selector.select():
                    buffer = buffers[key.fd]
                    buffer += key.fileobj.recv(2**20)  # type: ignore[union-attr]
                    if (body := body_of(buffer)) is not None:
                        answers[key.fd] = body
        return [answers[rank.fileno()] for rank in self.ranks]


def request(path: str, message: Model) -> bytes:
    body = message.model_dump_json(by_alias=True, exclude_none=True).encode()
    headers = {"Host": "coordinator", JOB_HEADER: UID, **authorization(TOKEN), "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def body_of(buffer: bytearray) -> bytes | None:
    """Return the body of a response that has arrived; None while it has not."""
    head, separator, _ = bytes(buffer[:4096]).partition(b"\r\n\r\n")
    if not separator:
        return None
    assert head.startswith(b"HTTP/1.1 200"), head
    (length,) = re.findall(rb"Content-Length: (\d+)", head)
    offset = len(head) + len(separator)
    return bytes(buffer[offset:]) if len(buffer) - offset >= int(length) else None


def member(rank: int) -> Member:
    worker, local_rank = divmod(rank, RANKS_PER_WORKER)
    return Member(
        worker=worker,
        local_rank=local_rank,
        incarnation=f"{rank:016x}",
        address=f"10.0.{worker // 256}.{worker % 256}",
        store_port=30000 + local_rank,
        node=f"node-{worker}",
        numerics="cuda NVIDIA H200, torch 2.15.0, 8 threads",
    )


def figure(name: str, value: float, unit: str) -> None:
    print(f"\n{name} {value:.3f} {unit}", end="")


@pytest.fixture
def coordinator(tmp_path: Path) -> Iterator[Coordinator]:
    found = Coordinator(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()
    for rank in found.ranks:
        rank.close()


def test_1024_ranks_join_and_send_heartbeats(coordinator: Coordinator) -> None:
    members = [member(rank) for rank in range(RANKS)]
    before, began = cpu_seconds(coordinator.process.pid), time.monotonic()
    answers = coordinator.responses_to("/v1/join", [Join(member=each) for each in members])
    figure("coordinator_join_1024_seconds", cpu_seconds(coordinator.process.pid) - before, "s of CPU")
    figure("coordinator_join_1024_wall_seconds", time.monotonic() - began, "s")
    assert len(set(answers)) == 1
    membership = Membership.model_validate_json(answers[0])
    assert [each.incarnation for each in membership.members] == [each.incarnation for each in members]
    heartbeats: list[Model] = [
        Heartbeat(member=each, generation=membership.generation, ranks=RANKS, step=1, compute_seconds=0.1)
        for each in members
    ]
    before, began = cpu_seconds(coordinator.process.pid), time.monotonic()
    for _ in range(HEARTBEAT_ROUNDS):
        coordinator.responses_to("/v1/heartbeat", heartbeats)
    used = (cpu_seconds(coordinator.process.pid) - before) / HEARTBEAT_ROUNDS
    figure("coordinator_heartbeats_1024_cores", used / heartbeat_seconds(RANKS), "cores")
    before = cpu_seconds(coordinator.process.pid)
    rejoined = coordinator.responses_to(
        "/v1/join", [Join(member=each, generation=membership.generation) for each in members]
    )
    figure("coordinator_rejoin_1024_seconds", cpu_seconds(coordinator.process.pid) - before, "s of CPU")
    assert Membership.model_validate_json(rejoined[0]).generation > membership.generation
    figure("coordinator_peak_mib", peak_mib(coordinator.process.pid), "MiB")
