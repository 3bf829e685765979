"""Failed queries become errors that name the remedy and hold no credentials."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.errors import BadInput, CommandError
from llmtrain_cli.prometheus import TOKEN_VARIABLE, VARIABLE, JobName, Prometheus, Series, sorted_by_label
from unit.cli.fake_prometheus import ErrorResponse, answering, serving

SECRET = "p@ss:w/rd"
QUOTED = "p%40ss%3Aw%2Frd"
FOUND = [{"metric": {}, "value": [1.0, "7"]}]


@contextmanager
def responding(response: bytes) -> Iterator[str]:
    """Serve the same bytes to every request."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(response)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def guarded(authorization: str) -> AbstractContextManager[str]:
    """Serve requests with one Authorization header, and refuse all others."""

    def answer(expr: str, headers: Mapping[str, str]) -> object:
        if headers.get("Authorization") != authorization:
            raise ErrorResponse(401, "<html>Authorization Required</html>")
        return FOUND

    return serving(answer)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        pytest.param(b"", "no Prometheus answers", id="no response"),
        pytest.param(
            b"\x1b[31mSSH-2.0-OpenSSH\r\n",
            r"no Prometheus answers at \S+ \(\[31mSSH-2.0-OpenSSH\)",
            id="another protocol",
        ),
        pytest.param(HEAD % 1000 + b'{"data"', "no Prometheus answers", id="a truncated body"),
        pytest.param(HEAD % 2 + b"[]", "is not Prometheus", id="a list"),
        pytest.param(HEAD % 14 + b'{"data": null}', "is not Prometheus", id="no data"),
        pytest.param(HEAD % 29 + b'{"data": {"result": [[1,2]]}}', "is not Prometheus", id="data of another form"),
        pytest.param(HEAD % 6 + b"<html>", "is not Prometheus", id="a web page"),
        pytest.param(HEAD % 2 + b"\xff\xff", "is not Prometheus", id="binary data"),
    ],
)
def test_a_server_that_is_not_prometheus_is_bad_input(response: bytes, message: str) -> None:
    with responding(response) as url, pytest.raises(BadInput, match=f"{message}.*--prometheus"):
        Prometheus(url).query("up")


@pytest.mark.parametrize("url", ["localhost:9090", "ann:secret@host:9090", "http://ann:secret@host:port"])
def test_an_invalid_url_is_bad_input_and_its_credentials_are_not_shown(url: str) -> None:
    with pytest.raises(BadInput, match="is not a valid URL: ") as error:
        Prometheus(url)
    assert "secret" not in str(error.value)


def test_a_url_with_a_space_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no Prometheus answers"):
        Prometheus("http://127.0.0.1:9/a b").query("up")


def test_credentials_of_the_url_are_sent_and_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    authorization = "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()
    with guarded(authorization) as url:
        right = url.replace("http://", f"http://ann:{QUOTED}@")
        assert Prometheus(right).query("up")[0].value == 7
        wrong = url.replace("http://", "http://ann:wrong@")
        assert main(["report", "gpt", "--prometheus", wrong]) == 2
    shown = capsys.readouterr().err
    assert "401 Unauthorized" in shown
    assert VARIABLE in shown
    assert TOKEN_VARIABLE in shown
    assert "wrong" not in shown
    assert "<html>" not in shown


def test_a_bearer_token_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with guarded("Bearer abc") as url:
        with pytest.raises(BadInput, match="401 Unauthorized"):
            Prometheus(url).query("up")
        monkeypatch.setenv(TOKEN_VARIABLE, "abc\n")
        assert Prometheus(url).query("up")[0].value == 7


def test_a_token_of_several_lines_is_bad_input_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "abc\nX-Evil: 1")
    with pytest.raises(BadInput, match=TOKEN_VARIABLE) as error:
        Prometheus("http://127.0.0.1:9")
    assert "abc" not in str(error.value)


def test_a_rejected_query_is_reported_with_the_message_of_prometheus() -> None:
    refusal = ErrorResponse(422, '{"status": "error", "errorType": "execution", "error": "too many samples"}')
    with answering({"up": refusal}) as url, pytest.raises(CommandError, match=r"rejected the query: too many samples$"):
        Prometheus(url).query("up")


def test_an_error_of_a_proxy_is_reported_with_its_status() -> None:
    with (
        answering({"up": ErrorResponse(504, "upstream request timeout")}) as url,
        pytest.raises(CommandError, match=r"rejected the query: 504 Gateway Timeout$"),
    ):
        Prometheus(url).query("up")


def test_series_are_sorted_by_the_numbers_in_a_label() -> None:
    found = [Series(labels={"gpu": name}, points=()) for name in ("0:10", "10", "0:2", "9")]
    assert [each.labels["gpu"] for each in sorted_by_label(found, "gpu")] == ["0:2", "0:10", "9", "10"]


def test_a_name_that_is_not_one_of_kubernetes_is_bad_input() -> None:
    with pytest.raises(BadInput, match="name 'x\"}' is not a valid Kubernetes name"):
        JobName(namespace="team", name='x"}')
