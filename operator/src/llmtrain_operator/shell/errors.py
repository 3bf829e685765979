"""Errors of the Kubernetes API, and which of them are worth a retry.

ApiError
├── RequestRejected  400, 403, 422: retrying would fail the same way; report it, and retry when something changes
├── NotFound         404: the object or its namespace does not exist
├── Conflict         409: the object has changed in between; observe again
└── Unavailable      429, 5xx, no connection: retry later
"""

import json


class ApiError(Exception):
    """The Kubernetes API did not carry out a request."""

    def __init__(self, message: str, code: int = 0, retry_after_seconds: float = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        """HTTP status; 0 without an answer."""
        self.retry_after_seconds = retry_after_seconds


class RequestRejected(ApiError):
    """The server rejected the request itself: 400, 403 or 422."""


class NotFound(ApiError):
    """The object or its namespace does not exist: 404."""


class Conflict(ApiError):
    """The object has changed since it was read: 409."""


class Unavailable(ApiError):
    """The server or the connection has a problem: 429, 5xx, or no answer."""


BY_CODE: dict[int, type[ApiError]] = {
    400: RequestRejected,
    403: RequestRejected,
    422: RequestRejected,
    404: NotFound,
    409: Conflict,
}


def error_for(code: int, body: bytes, retry_after: str | None) -> ApiError:
    """Return the error of an answer with the status `code`; `retry_after` is its header of that name."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        message = body.decode(errors="replace")[:500]
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
    return BY_CODE.get(code, Unavailable)(message, code, seconds)
