"""The store of a rank: its peers reach it, strangers get nothing from it and change nothing in it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from torch._C import _distributed_c10d as c10d

from llmtrain_api.job_token import new_token
from llmtrain_api.protocol import Member
from llmtrain_trainer.distributed import guarded_store
from llmtrain_trainer.distributed.guarded_store import CHALLENGE_BYTES, PROOF_BYTES, GuardedStore, loopback
from llmtrain_trainer.errors import GenerationEnded
from support.polling import DEADLINE_SECONDS
from support.ports import free_port

TOKEN = new_token()


@pytest.fixture
def first() -> GuardedStore:
    """The store of the first member."""
    store = GuardedStore("127.0.0.1", TOKEN)
    store.own.set("key", "value")
    return store


def member(port: int) -> Member:
    return Member(worker=0, local_rank=0, incarnation="first", address="127.0.0.1", store_port=port)


def connect(port: int, token: str = TOKEN, *, is_broken: Callable[[], bool] = lambda: False) -> c10d.TCPStore:
    """Return a client of the store behind a port, as a rank with this token connects to it."""
    return GuardedStore("127.0.0.1", token).connect(
        member(port),
        timeout_seconds=DEADLINE_SECONDS,
        is_broken=is_broken,
        ping_watchdog=lambda: None,
    )


@contextmanager
def stranger(port: int) -> Iterator[socket.socket]:
    """Connect to a port without knowing the token."""
    with closing(socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)) as connection:
        yield connection


def received_until_the_end(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(4096):
        received += data
    return received


def test_a_peer_reads_and_writes_the_store_on_any_number_of_connections(first: GuardedStore) -> None:
    store = connect(first.port)
    assert store.get("key") == b"value"
    store.clone().set("answer", "x" * 300_000)
    assert first.own.get("answer") == b"x" * 300_000


def test_a_rank_with_another_token_does_not_reach_the_store(first: GuardedStore) -> None:
    with pytest.raises(GenerationEnded, match="can't be reached"):
        connect(first.port, new_token())


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\0" * (CHALLENGE_BYTES + PROOF_BYTES), id="a wrong proof"),
        pytest.param(b"\x07" * 100_000, id="noise"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: 10.0.0.1\r\nX: " + b"y" * 100 + b"\r\n\r\n", id="another protocol"),
    ],
)
def test_a_stranger_gets_a_challenge_and_nothing_else(first: GuardedStore, sent: bytes) -> None:
    with stranger(first.port) as connection:
        challenge = connection.recv(CHALLENGE_BYTES)
        try:
            connection.sendall(sent)
            assert received_until_the_end(connection) == b""
        except ConnectionError:
            pass
    assert len(challenge) == CHALLENGE_BYTES
    assert connect(first.port).get("key") == b"value"


def test_a_proof_that_was_overheard_cannot_be_used_again(first: GuardedStore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proofs: list[bytes] = []
        between = threading.Thread(target=overhear, args=(listener, first.port, proofs))
        between.start()
        assert connect(listener.getsockname()[1]).get("key") == b"value"
    between.join(DEADLINE_SECONDS)
    with stranger(first.port) as connection:
        connection.recv(CHALLENGE_BYTES)
        connection.sendall(proofs[0])
        assert received_until_the_end(connection) == b""


def overhear(listener: socket.socket, port: int, overheard: list[bytes]) -> None:
    """Forward one connection and keep what the connecting side sent first."""
    connection, _ = listener.accept()
    with connection, stranger(port) as store:
        connection.sendall(store.recv(CHALLENGE_BYTES))
        overheard.append(connection.recv(CHALLENGE_BYTES + PROOF_BYTES))
        store.sendall(overheard[0])
        back = threading.Thread(target=pump, args=(store, connection))
        back.start()
        pump(connection, store)
        back.join(DEADLINE_SECONDS)


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_a_process_that_poses_as_the_first_member_gets_no_proof_that_it_can_use(first: GuardedStore) -> None:
    """It returns the challenge and the proof of the connecting side, which is not the one that it has to give."""

    def pose(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"\1" * CHALLENGE_BYTES)
            connection.sendall(connection.recv(CHALLENGE_BYTES + PROOF_BYTES)[CHALLENGE_BYTES:])
            received_until_the_end(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        impostor = threading.Thread(target=pose, args=(listener,))
        impostor.start()
        with pytest.raises(GenerationEnded, match="can't be reached"):
            connect(listener.getsockname()[1])
        impostor.join(DEADLINE_SECONDS)


def test_silent_strangers_keep_no_peer_out(first: GuardedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_store, "MAX_STRANGERS", 2)
    with stranger(first.port) as oldest, stranger(first.port), stranger(first.port), stranger(first.port):
        assert connect(first.port).get("key") == b"value"
        assert len(received_until_the_end(oldest)) == CHALLENGE_BYTES


def test_a_silent_stranger_is_disconnected(first: GuardedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_store, "HANDSHAKE_SECONDS", 0.05)
    with stranger(first.port) as connection:
        assert len(received_until_the_end(connection)) == CHALLENGE_BYTES


def test_the_store_itself_listens_on_the_loopback_interface_alone(first: GuardedStore) -> None:
    def listeners(table: str, port: int) -> set[str]:
        rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        return {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}

    assert listeners("tcp", first.own.port) == {"0100007F"}
    assert listeners("tcp6", first.own.port) == set()


def test_a_first_member_that_cannot_be_reached_ends_the_generation() -> None:
    with pytest.raises(GenerationEnded, match="can't be reached"):
        connect(free_port())


def test_a_generation_that_breaks_is_left_while_the_store_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(GenerationEnded, match="a member is lost"):
            connect(silent.getsockname()[1], is_broken=lambda: True)
        assert time.monotonic() - began < guarded_store.HANDSHAKE_SECONDS


def test_a_connection_is_closed_when_its_generation_breaks() -> None:
    """After it was accepted, while the other side proves nothing."""
    accepted: list[socket.socket] = []

    def is_broken() -> bool:
        if not accepted:
            accepted.append(silent.accept()[0])
            accepted[0].settimeout(DEADLINE_SECONDS)
            return False
        return True

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(GenerationEnded, match="a member is lost"):
        connect(silent.getsockname()[1], is_broken=is_broken)
    with accepted[0] as connection:
        assert received_until_the_end(connection) == b""


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ranks_reach_each_other_over_ipv6() -> None:
    try:
        first = GuardedStore("::1", TOKEN)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    first.own.set("key", "value")
    other = GuardedStore("::1", TOKEN)
    place = member(first.port).model_copy(update={"address": "::1"})
    store = other.connect(place, timeout_seconds=DEADLINE_SECONDS, is_broken=lambda: False, ping_watchdog=lambda: None)
    assert store.get("key") == b"value"


@pytest.mark.parametrize(
    ("hosts", "address"),
    [
        pytest.param(
            "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n",
            "::1",
            marks=pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here"),
        ),
        ("127.0.0.1 localhost\n#::1 localhost\n\n", "127.0.0.1"),
        (None, "127.0.0.1"),
    ],
)
def test_the_loopback_address_is_one_whose_name_needs_no_dns(
    hosts: str | None, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hosts is not None:
        (tmp_path / "hosts").write_text(hosts)
    monkeypatch.setattr(guarded_store, "HOSTS_FILE", str(tmp_path / "hosts"))
    assert loopback()[0] == address
    store = GuardedStore("127.0.0.1", TOKEN)
    store.own.set("key", "value")
    assert connect(store.port).get("key") == b"value"
