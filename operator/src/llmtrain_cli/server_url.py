"""An address that may hold a login, which is sent and never shown."""

import base64
import urllib.parse
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Address:
    """A server's address."""

    url: str
    """Without the login, and without a slash at its end."""
    login: str | None
    """What a header says of the login, None if there is none."""


def read_address(text: str) -> Address:
    """Return what an address says. ValueError, without the login in it, if it is none of HTTP."""
    parts = urllib.parse.urlsplit(text.strip().rstrip("/"))
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it begins with http:// or https:// and a host")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("its port is no number up to 65535") from None
    return Address(url=parts._replace(netloc=host).geturl(), login=_login(parts))


def _login(parts: urllib.parse.SplitResult) -> str | None:
    if parts.username is None:
        return None
    words = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(words.encode()).decode()}"


def redact_credentials(text: str) -> str:
    """Return an address, whatever its scheme, as it may be shown."""
    before, mark, after = text.partition("://")
    host, slash, path = (after if mark else before).partition("/")
    shown = f"{host.rpartition('@')[2]}{slash}{path}"
    return f"{before}{mark}{shown}" if mark else shown
