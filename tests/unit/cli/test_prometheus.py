"""A Prometheus that refuses, is away, is none, or wants a login: a sentence each, and no login in it."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.errors import BadInput, CommandError
from llmtrain_cli.prometheus import TOKEN_VARIABLE, VARIABLE, Prometheus
from unit.cli.fake_prometheus import Refusal, answering, serving

SECRET = "p@ss:w/rd"
QUOTED = "p%40ss%3Aw%2Frd"
FOUND = [{"metric": {}, "value": [1.0, "7"]}]


@contextmanager
def saying(words: bytes) -> Iterator[str]:
    """Serve the same bytes to whoever asks."""

    class Say(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(words)

    with ThreadingTCPServer(("127.0.0.1", 0), Say) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def guarded(login: str) -> Iterator[str]:
    """Serve whoever logs in so."""

    def answer(asked: str, headers: Mapping[str, str]) -> object:
        if headers.get("Authorization") != login:
            raise Refusal(401, "<html>Authorization Required</html>")
        return FOUND

    return serving(answer)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (b"", "no Prometheus answers"),
        (b"\x1b[31mSSH-2.0-OpenSSH\r\n", r"no Prometheus answers at \S+ \(\[31mSSH-2.0-OpenSSH\)"),
        (HEAD % 1000 + b'{"data"', "no Prometheus answers"),
        (HEAD % 2 + b"[]", "is no Prometheus"),
        (HEAD % 14 + b'{"data": null}', "is no Prometheus"),
        (HEAD % 29 + b'{"data": {"result": [[1,2]]}}', "is no Prometheus"),
        (HEAD % 6 + b"<html>", "is no Prometheus"),
        (HEAD % 2 + b"\xff\xff", "is no Prometheus"),
    ],
)
def test_what_is_no_answer(words: bytes, said: str) -> None:
    with saying(words) as url, pytest.raises(BadInput, match=f"{said}.*--prometheus"):
        Prometheus(url).query("up")


@pytest.mark.parametrize(
    "address",
    ["localhost:9090", "http://", "http://host:port", "http://host:99999", "http://[::1", "ftp://host", ""],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(BadInput, match="is no address: "):
        Prometheus(address)


@pytest.mark.parametrize("address", ["ann:secret@host:9090", "ftp://ann:secret@host", "http://ann:secret@host:port"])
def test_a_login_in_what_is_no_address_is_not_shown(address: str) -> None:
    with pytest.raises(BadInput, match="host") as error:
        Prometheus(address)
    assert "secret" not in str(error.value)


def test_an_address_with_a_space_in_it() -> None:
    with pytest.raises(BadInput, match="no Prometheus answers"):
        Prometheus("http://127.0.0.1:9/a b").query("up")


def test_a_login_in_the_address_is_sent_and_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    login = "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()
    with guarded(login) as url:
        mine = url.replace("http://", f"http://ann:{QUOTED}@")
        assert Prometheus(mine).query("up")[0].value == 7
        wrong = url.replace("http://", "http://ann:wrong@")
        assert main(["report", "gpt", "--prometheus", wrong]) == 2
    said = capsys.readouterr().err
    assert "401 Unauthorized" in said
    assert VARIABLE in said
    assert TOKEN_VARIABLE in said
    assert "wrong" not in said
    assert "<html>" not in said


def test_a_token_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with guarded("Bearer abc") as url:
        with pytest.raises(BadInput, match="401 Unauthorized"):
            Prometheus(url).query("up")
        monkeypatch.setenv(TOKEN_VARIABLE, "abc\n")
        assert Prometheus(url).query("up")[0].value == 7


def test_a_token_that_no_header_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "abc\nX-Evil: 1")
    with pytest.raises(BadInput, match=TOKEN_VARIABLE) as error:
        Prometheus("http://127.0.0.1:9")
    assert "abc" not in str(error.value)


def test_help_shows_no_login(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(VARIABLE, "http://ann:secret@host:9090")
    with pytest.raises(SystemExit):
        main(["top", "--help"])
    said = capsys.readouterr().out
    assert TOKEN_VARIABLE in said
    assert "secret" not in said


def test_a_refusal_has_prometheus_own_words() -> None:
    refusal = Refusal(422, '{"status": "error", "errorType": "execution", "error": "too many samples"}')
    with answering({"up": refusal}) as url, pytest.raises(CommandError, match=r"refuses: too many samples$"):
        Prometheus(url).query("up")


def test_a_proxy_s_refusal_is_its_status() -> None:
    with (
        answering({"up": Refusal(504, "upstream request timeout")}) as url,
        pytest.raises(CommandError, match=r"refuses: 504 Gateway Timeout$"),
    ):
        Prometheus(url).query("up")
