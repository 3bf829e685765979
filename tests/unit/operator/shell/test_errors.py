"""Errors of the Kubernetes API."""

import pytest

from llmtrain_operator.shell.errors import Conflict, NotFound, RequestRejected, Unavailable, error_for


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, RequestRejected),
        (403, RequestRejected),
        (422, RequestRejected),
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


def test_a_time_to_retry_counts_in_seconds_and_a_date_is_ignored() -> None:
    assert error_for(429, b"", "7").retry_after_seconds == 7
    assert error_for(429, b"", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after_seconds == 0
