"""The coordinator's command line, `python -m llmtrain_coordinator`: serve one job until SIGTERM."""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from llmtrain_api.events import CoordinatorEvent
from llmtrain_api.job_token import read_token
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.listening import any_address, listen
from llmtrain_api.names import COORDINATOR_PORT, TOKEN_FILE
from llmtrain_api.stop_signals import stop_signals
from llmtrain_api.time_ledger import new_ledger
from llmtrain_coordinator.goodput import Goodput
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.http_messages import JobIdentity
from llmtrain_coordinator.server import Coordinator

if TYPE_CHECKING:
    from llmtrain_coordinator.otlp import Exporter

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
BACKLOG = 1024
"""Connections that wait to be accepted: all ranks of a job connect at once."""
SHUTDOWN_SECONDS = 0.01
"""How long held requests can take once the coordinator stops. For aiohttp, 0 is no limit."""
DESCRIPTION = """\
Coordinates the ranks of one training job: rendezvous, heartbeats and leases, progress, recoveries and goodput.

The operator runs one coordinator beside the workers of each job; `llmtrain run` runs one on this machine.
It needs no storage and no Kubernetes API. If it fails, training continues, and the next coordinator learns
the group's state from the heartbeats of the ranks.

  POST /v1/join, /v1/heartbeat, /v1/progress, /v1/leave   from ranks and their supervisors
  PUT  /v1/workers   desired number of workers, from the operator
  GET  /v1/status    the job's status as JSON
  GET  /metrics      metrics for Prometheus
  GET  /healthz      answers once the server is running

Requests under /v1 need the headers Authorization: Bearer TOKEN and X-Llmtrain-Job: UID.
"""
EPILOG = """\
If OTEL_EXPORTER_OTLP_ENDPOINT is set, the metrics are also exported to that OpenTelemetry collector,
every OTEL_METRIC_EXPORT_INTERVAL milliseconds.

Example: a coordinator for one worker of two ranks, to try the protocol with curl:

  openssl rand -hex 32 > token
  python -m llmtrain_coordinator --job gpt --namespace default --uid 1 --token-file token --workers 1 --ranks-per-worker 2
  curl --header "Authorization: Bearer $(cat token)" --header 'X-Llmtrain-Job: 1' http://localhost:%d/v1/status
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    options = argparse.ArgumentParser(
        prog="python -m llmtrain_coordinator",
        description=DESCRIPTION,
        epilog=EPILOG % COORDINATOR_PORT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--job", required=True, metavar="NAME", help="name of the job")
    options.add_argument("--namespace", required=True, metavar="NS", help="namespace of the job")
    options.add_argument("--uid", required=True, help="uid of the job; requests with another uid are answered 403")
    options.add_argument(
        "--token-file",
        type=Path,
        default=TOKEN_FILE,
        metavar="FILE",
        help="file with the token of the job; requests without it are answered 401 (default: %(default)s)",
    )
    options.add_argument("--workers", required=True, type=positive, metavar="N", help="desired number of workers")
    options.add_argument(
        "--ranks-per-worker", required=True, type=positive, metavar="R", help="trainer processes per worker"
    )
    options.add_argument(
        "--min-workers", type=positive, default=1, metavar="N", help="smallest number of workers that can train"
    )
    options.add_argument(
        "--term",
        type=positive,
        default=int(time.time()),
        metavar="T",
        help="fencing term of this coordinator: ranks ignore coordinators of a lower one (default: the current time)",
    )
    options.add_argument(
        "--standalone", action="store_true", help="the job starts now, and no operator stores its time ledger"
    )
    options.add_argument("--no-progress", action="store_true", help="the job's program reports no progress")
    options.add_argument(
        "--host", default=any_address(), help="IP address to listen on (default: every interface, IPv4 and IPv6)"
    )
    options.add_argument("--port", type=int, default=COORDINATOR_PORT, help="port to listen on (default: %(default)s)")
    return options


def positive(text: str) -> int:
    """Return a number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


async def serve(options: argparse.Namespace, token: str) -> None:
    """Serve until a stop signal, then close held requests at once: their ranks retry at the next coordinator.

    Once the job has been trained no rank waits, and its last figures are scraped first.
    """
    stopped = asyncio.Event()
    for number in stop_signals():
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    coordinator = Coordinator(
        JobIdentity(namespace=options.namespace, name=options.job, uid=options.uid, token=token),
        GroupState(
            workers=options.workers,
            ranks_per_worker=options.ranks_per_worker,
            min_workers=options.min_workers,
            term=options.term,
        ),
        Goodput(
            ledger=new_ledger(int(time.time() * 1000)) if options.standalone else None,
            no_progress=options.no_progress,
        ),
    )
    runner = web.AppRunner(
        coordinator.application(),
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
        handle_signals=False,
    )
    await runner.setup()
    await web.SockSite(runner, listen(options.host, options.port), backlog=BACKLOG).start()
    log = JsonLog(fields={"job": options.job, "namespace": options.namespace})
    log.info(CoordinatorEvent.COORDINATOR_STARTED, port=options.port)
    exporter = start_exporter(coordinator)
    await stopped.wait()
    if not options.standalone:  # `llmtrain run` waits for it
        await coordinator.last_scrape()
    log.info(CoordinatorEvent.COORDINATOR_STOPPED)
    await runner.cleanup()
    if exporter is not None:
        await asyncio.to_thread(exporter.close)


def start_exporter(coordinator: Coordinator) -> "Exporter | None":
    """Start to export metrics to an OpenTelemetry collector, if the environment names one."""
    if not os.environ.get(ENDPOINT):
        return None
    from llmtrain_coordinator.otlp import Exporter  # slow to import, and rarely used

    return Exporter(coordinator.snapshot, coordinator.job_labels)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = parser().parse_args(arguments)
    try:
        token = read_token(options.token_file)
    except ValueError as error:
        parser().error(f"argument --token-file: {error}")
    asyncio.run(serve(options, token))


if __name__ == "__main__":
    main()
