"""Every coordinator of the benchmark at once: a server that answers for any job that its workers train.

    python -m perf.scale.coordinators STARTED_AT

It runs in a network namespace that has all addresses of kwok's pods, and is the only one that this machine reaches there.

An answer's step shows when it was given: two steps a second since STARTED_AT, in seconds since 1970. So the step in a
job's status shows how old its figures are.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from llmtrain_api.names import COORDINATOR_PORT
from llmtrain_api.protocol import CoordinatorStatus, Member, Progress
from llmtrain_kind.commands import run, succeeds

POD_RANGE, HOST_ADDRESS = "198.18.0.0/16", "198.19.0.1"
"""Addresses of kwok's pods, and of this machine on the way to them: both of the range for benchmarks (RFC 2544)."""
NETWORK = "llmtrain-bench"
"""Name of the network namespace, and of this machine's interface to it."""

STEPS_PER_SECOND = 2
STEPS = 100_000
"""Steps of a job; it does not come to its end."""
FIRST_STEP = "2026-01-01T00:00:00.000Z"


def step_at(now: float, started_at: float) -> int:
    """Return the step that an answer has."""
    return int((now - started_at) * STEPS_PER_SECOND) + 1


def time_of(step: int, started_at: float) -> float:
    """Return when an answer with a step was given, at the earliest."""
    return started_at + (step - 1) / STEPS_PER_SECOND


def answer(workers: int, step: int) -> bytes:
    """Return the HTTP answer of a coordinator whose workers all train."""
    status = CoordinatorStatus(
        state="Training",
        generation=1,
        desired=workers,
        joined=workers,
        members=[
            Member(worker=number, local_rank=0, incarnation=f"m{number}", address="198.18.0.1", store_port=29400)
            for number in range(workers)
        ],
        progress=Progress(
            generation=1,
            step=step,
            steps=STEPS,
            loss=3.2,
            learning_rate=0.001,
            gradient_norm=1.0,
            tokens=4096 * step,
            tokens_per_second=8192.0,
        ),
        first_loss=8.3,
        first_step_time=FIRST_STEP,
    )
    body = status.model_dump_json(by_alias=True, exclude_none=True).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Coordinators:
    """Answers every request with the status of a job that has as many workers as the request names."""

    def __init__(self, started_at: float) -> None:
        self.started_at = started_at
        self.answers: dict[tuple[int, int], bytes] = {}
        """The answers of the present step, by step and number of workers."""

    def answer(self, workers: int) -> bytes:
        """Return the answer for a job with so many workers now."""
        key = (step_at(time.time(), self.started_at), workers)
        if key not in self.answers:
            self.answers = {at: text for at, text in self.answers.items() if at[0] == key[0]}
            self.answers[key] = answer(workers, key[0])
        return self.answers[key]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                workers = re.search(rb'"workers":(\d+)', body)
                writer.write(self.answer(int(workers[1]) if workers else 1))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@contextmanager
def running_coordinators(started_at: float) -> Iterator[None]:
    """Run the server in a network of its own; this needs root. It answers at all addresses of kwok's pods."""
    remove_network()
    in_network = ["ip", "netns", "exec", NETWORK]
    for command in (
        ["ip", "netns", "add", NETWORK],
        ["ip", "link", "add", NETWORK, "type", "veth", "peer", "name", "eth0", "netns", NETWORK],
        ["ip", "address", "add", f"{HOST_ADDRESS}/32", "dev", NETWORK],
        ["ip", "link", "set", NETWORK, "up"],
        [*in_network, "ip", "link", "set", "lo", "up"],
        [*in_network, "ip", "link", "set", "eth0", "up"],
        [*in_network, "ip", "route", "add", HOST_ADDRESS, "dev", "eth0"],
        [*in_network, "ip", "route", "add", "local", POD_RANGE, "dev", "lo"],
        ["ip", "route", "replace", POD_RANGE, "dev", NETWORK, "src", HOST_ADDRESS],
    ):
        run(command)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [*in_network, sys.executable, "-m", "perf.scale.coordinators", str(started_at)]
    server = subprocess.Popen(command, env=environment)
    try:
        yield
    finally:
        server.terminate()
        server.wait(20)
        remove_network()


def remove_network() -> None:
    """Remove the network, if it exists, and so the route to it."""
    succeeds(["ip", "link", "delete", NETWORK])
    succeeds(["ip", "netns", "delete", NETWORK])


async def main(started_at: float) -> None:
    """Answer at the coordinators' port of all addresses of this machine, until the process is ended."""
    server = await asyncio.start_server(Coordinators(started_at).serve, "0.0.0.0", COORDINATOR_PORT, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
