"""A server's URL, whose credentials are sent with requests and never shown."""

import base64
import urllib.parse
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServerUrl:
    """An HTTP server's URL, split from its credentials."""

    url: str
    """Without credentials and without a trailing slash."""
    authorization: str | None
    """Value of the Authorization header; None if the URL has no credentials."""


def parse_server_url(text: str) -> ServerUrl:
    """Return the URL and its credentials. ValueError, whose text holds no credentials, if it is not an HTTP URL."""
    parts = urllib.parse.urlsplit(text.strip().rstrip("/"))
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must begin with http:// or https:// and a host")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("its port must be a number up to 65535") from None
    return ServerUrl(url=parts._replace(netloc=host).geturl(), authorization=_basic_auth(parts))


def redact_credentials(text: str) -> str:
    """Return a URL of any scheme without its credentials, fit for messages."""
    before, mark, after = text.partition("://")
    host, slash, path = (after if mark else before).partition("/")
    redacted = f"{host.rpartition('@')[2]}{slash}{path}"
    return f"{before}{mark}{redacted}" if mark else redacted


def _basic_auth(parts: urllib.parse.SplitResult) -> str | None:
    if parts.username is None:
        return None
    credentials = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"
