"""Errors of the Kubernetes API, and which are worth another try.

ApiError
├── Refused     the object itself is not taken: say so, try again when something changes
├── NotFound    it, or its namespace, isn't there
├── Conflict    someone else was faster: look again
└── Unavailable the server, or the way to it, is in trouble: try again later
"""

import json


class ApiError(Exception):
    """The Kubernetes API did not do what was asked."""

    def __init__(self, message: str, code: int = 0, retry_after_seconds: float = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retry_after_seconds = retry_after_seconds


class InvalidRequest(ApiError):
    """400, 403, 422: the same again would be refused again."""


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409."""


class Unavailable(ApiError):
    """429, 5xx, no connection."""


def error_for(code: int, body: bytes, retry_after: str | None) -> ApiError:
    """Return the error that an answer stands for."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        message = body.decode(errors="replace")[:500]
    kinds: dict[int, type[ApiError]] = {
        400: InvalidRequest,
        403: InvalidRequest,
        422: InvalidRequest,
        404: NotFound,
        409: Conflict,
    }
    kind = kinds.get(code, Unavailable)
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
    return kind(message, code, seconds)
