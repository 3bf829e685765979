"""A fake Prometheus server, and the history of a training of one minute."""

import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from llmtrain_cli.prometheus import JobName, Series
from llmtrain_cli.report.history import BY_POD, COUNTERS, CURVES, History, TimeRange

JOB = JobName(namespace="team", name="gpt")
START = 1_760_000_000.0


def series(values: Sequence[float], **labels: str) -> Series:
    """Return a series with a point every 10 seconds from START on."""
    return Series(labels=labels, points=tuple((START + 10 * n, float(value)) for n, value in enumerate(values)))


def history(**more: Sequence[Series]) -> History:
    """Return a training of one minute; `more` replaces series by name."""
    found: dict[str, Sequence[Series]] = dict.fromkeys((*CURVES, *COUNTERS, *BY_POD), ())
    found |= {
        "step": [series([0, 10, 20, 15, 25, 30])],
        "loss": [series([5, 4, 3, 3.5, 2.5, 2])],
        "held_out_loss": [series([4.5, 4.5, 4.5, 4.5, 2.25, 2.25])],
        "tokens": [series([0, 100, 200, 150, 250, 300])],
        "tokens_per_second": [series([10] * 6)],
        "seconds": [
            series([2, 2, 2, 2, 2, 2], category="starting"),
            series([0, 10, 20, 20, 28, 38], category="stepping"),
            series([0, 0, 0, 10, 10, 10], category="recovering"),
            series([0, 0, 0, 0, 2, 2], category="replaying"),
        ],
        "ranks": [series([2, 2, 2, 1, 2, 2])],
        "desired": [series([2] * 6)],
        "recoveries": [series([0, 0, 0, 1, 1, 1], method="pod")],
        "recovery_seconds": [
            series([0, 0, 0, 4, 4, 4], method="pod", phase="detect"),
            series([0, 0, 0, 2.5, 2.5, 2.5], method="pod", phase="replay"),
            series([0, 0, 0, 9, 9, 9], method="process", phase="detect"),
        ],
        "cpus": [series([0.5] * 6, pod="gpt-worker-0"), series([0.4] * 6, pod="gpt-worker-1")],
        **more,
    }
    return History(job=JOB, time_range=TimeRange(created=START - 2, start=START, end=START + 50), series=found)


class ErrorResponse(Exception):
    """Makes a fake server answer with an HTTP error status and a text."""

    def __init__(self, status: int, text: str = "") -> None:
        self.status, self.text = status, text


@contextmanager
def serving(answer: Callable[[str, Mapping[str, str]], object]) -> Iterator[str]:
    """Serve the result of a function of the expression and the request headers; it can raise ErrorResponse."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            try:
                result = answer(urllib.parse.parse_qs(body)["query"][0], dict(self.headers))
                self._respond(200, json.dumps({"status": "success", "data": {"result": result}}))
            except ErrorResponse as error:
                self._respond(error.status, error.text)

        def _respond(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def answering(answers: Mapping[str, object]) -> Iterator[str]:
    """Serve the answer of the first key that the expression contains; no series for other expressions."""

    def answer(expr: str, headers: Mapping[str, str]) -> object:
        found = next((answer for text, answer in answers.items() if text in expr), [])
        if isinstance(found, ErrorResponse):
            raise found
        return found

    with serving(answer) as url:
        yield url
