"""A Prometheus that knows what it is told here, and a training that it was told of."""

import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from llmtrain_cli.prometheus import JobName, Series
from llmtrain_cli.report.history import CURVES, History

JOB = JobName(namespace="team", name="gpt")
START = 1_760_000_000.0


def series(values: Sequence[float], **labels: str) -> Series:
    """Return a series with a point each 10 seconds."""
    return Series(labels=labels, points=tuple((START + 10 * n, float(value)) for n, value in enumerate(values)))


def history(**more: Sequence[Series]) -> History:
    """Return a training of a minute; `more` replaces what was told."""
    told: dict[str, Sequence[Series]] = dict.fromkeys((*CURVES, "gpu", "gpu_memory", "cpus", "network"), ())
    told |= {
        "step": [series([0, 10, 20, 15, 25, 30])],
        "loss": [series([5, 4, 3, 3.5, 2.5, 2])],
        "held_out_loss": [series([4.5, 4.5, 4.5, 4.5, 2.25, 2.25])],
        "tokens": [series([0, 100, 200, 150, 250, 300])],
        "tokens_per_second": [series([10] * 6)],
        "seconds": [
            series([2, 2, 2, 2, 2, 2], kind="starting"),
            series([0, 10, 20, 20, 28, 38], kind="stepping"),
            series([0, 0, 0, 10, 10, 10], kind="recovering"),
            series([0, 0, 0, 0, 2, 2], kind="replaying"),
        ],
        "ranks": [series([2, 2, 2, 1, 2, 2])],
        "wanted": [series([2] * 6)],
        "recoveries": [series([0, 0, 0, 1, 1, 1], rung="pod")],
        "cpus": [series([0.5] * 6, pod="gpt-worker-0"), series([0.4] * 6, pod="gpt-worker-1")],
        **more,
    }
    return History(job=JOB, start=START, end=START + 50, series=told)


@contextmanager
def answering(answers: Mapping[str, object]) -> Iterator[str]:
    """Serve answers by the words an expression contains, the first that fits; nothing for the others."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = urllib.parse.parse_qs(body)["query"][0]
            result = next((answer for words, answer in answers.items() if words in asked), [])
            text = json.dumps({"status": "success", "data": {"result": result}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
