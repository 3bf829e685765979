"""Errors of the Kubernetes API, and which of them are worth a retry.

ApiError
├── RequestRejected  400, 403, 413, 422 and the like: retrying would fail the same way; report it, and retry when something changes
├── NotFound         404: the object or its namespace does not exist
├── Conflict         409: the object has changed in between; observe again
│   └── AlreadyExists  an object of this name exists already
└── Unavailable      429, 5xx, no connection: retry later
"""

import math

from pydantic_core import from_json

from llmtrain_api.printable import printable
from llmtrain_operator.core.policies.refusal import MAX_RETRY_AFTER


class ApiError(Exception):
    """The Kubernetes API did not carry out a request."""

    def __init__(self, message: str, code: int = 0, retry_after_seconds: float = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        """HTTP status; 0 without an answer."""
        is_duration = math.isfinite(retry_after_seconds) and retry_after_seconds >= 0
        self.retry_after_seconds = min(retry_after_seconds, MAX_RETRY_AFTER) if is_duration else 0.0
        """How long the server asks to wait before a retry, at most `MAX_RETRY_AFTER`; 0 if it does not ask."""


class RequestRejected(ApiError):
    """The server rejected the request itself: 400, 403, 413, 422 or the like."""


class NotFound(ApiError):
    """The object or its namespace does not exist: 404."""


class Conflict(ApiError):
    """The object has changed since it was read: 409."""


class AlreadyExists(Conflict):
    """An object of the name to create exists already: 409."""


class Unavailable(ApiError):
    """The server or the connection has a problem: 429, 5xx, or no answer."""


MAX_MESSAGE = 2000
"""Characters of the server's words that are kept."""
TRANSIENT_CODES = frozenset({401, 408, 425, 429})
"""Codes below 500 that the same request need not get again."""


def error_for(code: int, body: bytes, retry_after: str | None) -> ApiError:
    """Return the error of an answer with the status `code`; `retry_after` is its header of that name."""
    message, reason = _words_of(body)
    seconds = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdecimal() else 0.0
    return _kind_of(code, reason)(printable(message, MAX_MESSAGE), code, seconds)


def _words_of(body: bytes) -> tuple[str, str]:
    """Return the message and the reason of the Status object in `body`; other text is the message."""
    try:
        status = from_json(body)
        return str(status["message"]), str(status.get("reason", ""))
    except (ValueError, KeyError, TypeError):
        return body[:MAX_MESSAGE].decode(errors="replace"), ""


def _kind_of(code: int, reason: str) -> type[ApiError]:
    if code == 404:
        return NotFound
    if code == 409:
        return AlreadyExists if reason == "AlreadyExists" else Conflict
    return RequestRejected if 400 <= code < 500 and code not in TRANSIENT_CODES else Unavailable
