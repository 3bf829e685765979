"""Errors of the Kubernetes API."""

import math

import pytest

from llmtrain_operator.shell.errors import AlreadyExists, Conflict, NotFound, RequestRejected, Unavailable, error_for


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, RequestRejected),
        (403, RequestRejected),
        (405, RequestRejected),
        (413, RequestRejected),
        (422, RequestRejected),
        (401, Unavailable),
        (404, NotFound),
        (409, Conflict),
        (429, Unavailable),
        (503, Unavailable),
    ],
)
def test_the_status_code_selects_the_error(code: int, kind: type[Exception]) -> None:
    error = error_for(code, b'{"message": "because"}', None)
    assert type(error) is kind
    assert (error.message, error.code, error.retry_after_seconds) == ("because", code, 0)


def test_a_body_that_is_no_status_object_is_the_message() -> None:
    assert error_for(502, b"<html>bad gateway</html>", None).message == "<html>bad gateway</html>"
    assert error_for(502, b"[]", None).message == "[]"


def test_a_name_that_exists_already_is_a_conflict_of_its_own() -> None:
    assert type(error_for(409, b'{"message": "m", "reason": "AlreadyExists"}', None)) is AlreadyExists
    assert type(error_for(409, b'{"message": "m", "reason": "Conflict"}', None)) is Conflict


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 5000, b"{" + b'"a":{' * 5000, b'{"message": 3}', b"x" * 10**6]
)
def test_any_body_gives_an_error(body: bytes) -> None:
    assert len(error_for(403, body, "\u00b2").message) <= 2000


def test_a_time_to_retry_counts_in_seconds_and_a_date_is_ignored() -> None:
    assert error_for(429, b"", "7").retry_after_seconds == 7
    assert error_for(429, b"", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after_seconds == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("60", 60), ("61", 60), ("999999999", 60), ("9" * 400, 0), ("-5", 0), ("inf", 0), ("nan", 0), ("1e5", 0), ("", 0)],
)
def test_no_server_can_ask_for_more_than_a_minute(header: str, seconds: float) -> None:
    assert error_for(503, b"", header).retry_after_seconds == seconds


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan, -1.0])
def test_what_is_no_duration_is_no_wait(seconds: float) -> None:
    assert Unavailable("m", 503, seconds).retry_after_seconds == 0
