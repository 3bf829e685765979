"""`python -m llmtrain_coordinator`: serve one job until asked to stop."""

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from llmtrain_api.names import COORDINATOR_PORT
from llmtrain_api.time_ledger import new_ledger
from llmtrain_coordinator import log
from llmtrain_coordinator.server import Coordinator

if TYPE_CHECKING:
    from llmtrain_coordinator.otlp import Exporter

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPLANATION = """\
Knows who takes part in one training job and how far it is. The operator runs one beside the workers
of each job; `llmtrain run` runs one on this machine. It needs no storage and no Kubernetes API: if it
dies, the training goes on, and the next one learns from the workers.

  GET /v1/status   what it knows, as JSON (header X-Llmtrain-Job: UID)
  GET /metrics     the same for Prometheus
  GET /healthz     answers once it serves

Where OTEL_EXPORTER_OTLP_ENDPOINT is set, it sends its metrics there too, every OTEL_METRIC_EXPORT_INTERVAL milliseconds.
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    options = argparse.ArgumentParser(
        prog="python -m llmtrain_coordinator",
        description=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--job", required=True, metavar="NAME", help="name of the job")
    options.add_argument("--namespace", required=True, metavar="NS", help="its namespace")
    options.add_argument("--uid", required=True, help="its uid; whoever comes with another is turned away")
    options.add_argument("--workers", required=True, type=positive, metavar="N", help="workers wanted now")
    options.add_argument(
        "--ranks-per-worker", required=True, type=positive, metavar="R", help="trainer processes of one worker"
    )
    options.add_argument("--min-workers", type=positive, default=1, metavar="N", help="workers it may train with")
    options.add_argument(
        "--term",
        type=positive,
        default=int(time.time()),
        metavar="T",
        help="which of the job's coordinators this is: an older one's word is void (default: the time)",
    )
    options.add_argument(
        "--standalone", action="store_true", help="the job is born now, and nobody else keeps account of its life"
    )
    options.add_argument("--no-progress", action="store_true", help="the job's program tells no progress")
    options.add_argument("--host", default="0.0.0.0", help="address to serve on (default: every one)")
    options.add_argument("--port", type=int, default=COORDINATOR_PORT, help="port to serve on (default: %(default)s)")
    return options


def positive(text: str) -> int:
    """Return a number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT, then end at once: whoever holds a join open asks the next coordinator."""
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    coordinator = Coordinator(
        namespace=options.namespace,
        job=options.job,
        uid=options.uid,
        workers=options.workers,
        ranks_per_worker=options.ranks_per_worker,
        min_workers=options.min_workers,
        term=options.term,
        account=new_ledger(int(time.time() * 1000)) if options.standalone else None,
        no_progress=options.no_progress,
    )
    runner = web.AppRunner(
        coordinator.application(), handler_cancellation=True, access_log=None, shutdown_timeout=0, handle_signals=False
    )
    await runner.setup()
    await web.TCPSite(runner, options.host, options.port).start()
    log.write("serving", {"job": options.job, "namespace": options.namespace, "port": options.port})
    exporter = exporting(coordinator)
    await stopped.wait()
    log.write("stopped", {"job": options.job, "namespace": options.namespace})
    await runner.cleanup()
    if exporter is not None:
        await asyncio.to_thread(exporter.close)


def exporting(coordinator: Coordinator) -> "Exporter | None":
    """Begin to send metrics by OpenTelemetry's protocol, if the environment names where to."""
    if not os.environ.get(ENDPOINT):
        return None
    from llmtrain_coordinator.otlp import Exporter  # takes a while, and most have no use for it

    return Exporter(coordinator.known, coordinator.labels)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    asyncio.run(serve(parser().parse_args(arguments)))


if __name__ == "__main__":
    main()
