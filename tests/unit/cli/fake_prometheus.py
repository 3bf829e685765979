"""A Prometheus that knows what it is told here, and a training that it was told of."""

import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from llmtrain_cli.prometheus import JobName, Series
from llmtrain_cli.report.history import BY_POD, COUNTS, CURVES, History, TimeRange

JOB = JobName(namespace="team", name="gpt")
START = 1_760_000_000.0


def series(values: Sequence[float], **labels: str) -> Series:
    """Return a series with a point each 10 seconds."""
    return Series(labels=labels, points=tuple((START + 10 * n, float(value)) for n, value in enumerate(values)))


def history(**more: Sequence[Series]) -> History:
    """Return a training of a minute; `more` replaces what was told."""
    told: dict[str, Sequence[Series]] = dict.fromkeys((*CURVES, *COUNTS, *BY_POD), ())
    told |= {
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
        "wanted": [series([2] * 6)],
        "recoveries": [series([0, 0, 0, 1, 1, 1], method="pod")],
        "recovery_seconds": [
            series([0, 0, 0, 4, 4, 4], method="pod", phase="detect"),
            series([0, 0, 0, 2.5, 2.5, 2.5], method="pod", phase="replay"),
            series([0, 0, 0, 9, 9, 9], method="process", phase="detect"),
        ],
        "cpus": [series([0.5] * 6, pod="gpt-worker-0"), series([0.4] * 6, pod="gpt-worker-1")],
        **more,
    }
    return History(job=JOB, life=TimeRange(born=START - 2, start=START, end=START + 50), series=told)


class Refusal(Exception):
    """What a fake server answers otherwise than well: a status and a text."""

    def __init__(self, status: int, text: str = "") -> None:
        self.status, self.text = status, text


@contextmanager
def serving(answer: Callable[[str, Mapping[str, str]], object]) -> Iterator[str]:
    """Serve what a function of the expression and the headers returns; it may raise Refusal."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            try:
                result = answer(urllib.parse.parse_qs(body)["query"][0], dict(self.headers))
                self._say(200, json.dumps({"status": "success", "data": {"result": result}}))
            except Refusal as refusal:
                self._say(refusal.status, refusal.text)

        def _say(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def answering(answers: Mapping[str, object]) -> Iterator[str]:
    """Serve answers by the words an expression contains, the first that fits; nothing for the others."""

    def answer(asked: str, headers: Mapping[str, str]) -> object:
        found = next((answer for words, answer in answers.items() if words in asked), [])
        if isinstance(found, Refusal):
            raise found
        return found

    with serving(answer) as url:
        yield url
