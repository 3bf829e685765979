"""Sockets that listen on every interface, for IPv4 and IPv6 alike, where the machine has both."""

import contextlib
import socket

ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"


def any_address() -> str:
    """Return the address of every interface: that of IPv6, which stands for IPv4 too, or that of IPv4 without IPv6."""
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError), listen(ANY_IPV6, 0):
            return ANY_IPV6
    return ANY_IPV4


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an IP address; "::" accepts IPv4 too. OSError if the port or address is taken."""
    is_ipv6 = ":" in host
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    return socket.create_server((host, port), family=family, dualstack_ipv6=host == ANY_IPV6, backlog=1024)


def url_host(address: str) -> str:
    """Return an IP address or a host name as URLs contain it: an IPv6 address is in brackets."""
    return f"[{address}]" if ":" in address else address
