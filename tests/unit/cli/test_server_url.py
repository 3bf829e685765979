"""A URL is split from its credentials, and they appear in no message."""

import pytest

from llmtrain_cli.server_url import ServerUrl, parse_server_url, redact_credentials


def test_credentials_become_a_basic_authorization() -> None:
    server = parse_server_url("http://ann:p%40ss@host:9090/prometheus/")
    assert server == ServerUrl(url="http://host:9090/prometheus", authorization="Basic YW5uOnBAc3M=")


def test_a_url_without_credentials_needs_no_authorization() -> None:
    assert parse_server_url("https://host").authorization is None


@pytest.mark.parametrize(
    "url", ["localhost:9090", "http://", "http://host:port", "http://host:99999", "http://[::1", "ftp://host", ""]
)
def test_other_text_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"http://|port|URL"):
        parse_server_url(url)


@pytest.mark.parametrize("url", ["ann:secret@host:9090", "ftp://ann:secret@host/a", "http://ann:secret@host:port"])
def test_redacted_text_holds_no_credentials(url: str) -> None:
    assert "host" in redact_credentials(url)
    assert "secret" not in redact_credentials(url)
