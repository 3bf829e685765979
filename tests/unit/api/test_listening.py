"""Sockets for IPv4 and IPv6."""

import socket

import pytest

from llmtrain_api import listening
from llmtrain_api.listening import any_address, listen, url_host


def connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 5).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(any_address() != "::", reason="this machine has no IPv6")
def test_one_socket_serves_both_families() -> None:
    with listen(any_address(), 0) as server:
        port = server.getsockname()[1]
        assert connects("127.0.0.1", port)
        assert connects("::1", port)


def test_without_ipv6_it_serves_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening.socket, "has_dualstack_ipv6", lambda: False)
    assert any_address() == "0.0.0.0"
    with listen(any_address(), 0) as server:
        assert connects("127.0.0.1", server.getsockname()[1])


def test_where_ipv6_exists_and_cannot_be_used_it_serves_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(host: str, port: int) -> socket.socket:
        raise OSError("cannot assign requested address")

    monkeypatch.setattr(listening.socket, "has_dualstack_ipv6", lambda: True)
    monkeypatch.setattr(listening, "listen", unavailable)
    assert any_address() == "0.0.0.0"


@pytest.mark.parametrize(
    ("address", "host"), [("10.1.2.3", "10.1.2.3"), ("fd00::1", "[fd00::1]"), ("gpt-coordinator", "gpt-coordinator")]
)
def test_an_address_of_either_family_is_in_a_url(address: str, host: str) -> None:
    assert url_host(address) == host
