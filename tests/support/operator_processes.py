"""Operators as processes that start in a fraction of a second: they are forked from one that has imported the operator.

Run as a program, this module is that process: for each line on stdin, an environment as JSON, it forks a process that
runs the operator's `main`, and prints its id and when it was started.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmtrain_api.parent_death import die_with_parent
from support.control_plane import write_kubeconfig
from support.ports import free_port
from support.process_times import started_at

LOG = "LOG_FILE"
"""Variable of the environment that names the file for the output of an operator."""
KEYS = "keys"
"""Folder of the keys of the tokens of jobs."""
EXIT_POLL_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A running operator."""

    pid: int
    started: int
    """When it was started: its id may be that of another process later."""
    metrics_port: int

    @property
    def is_alive(self) -> bool:
        """Whether the process exists."""
        try:
            return started_at(self.pid) == self.started
        except ProcessLookupError:
            return False

    def signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.is_alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process without warning."""
        self.signal(signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until the process has ended."""
        while self.is_alive:
            await asyncio.sleep(EXIT_POLL_SECONDS)


class Operators:
    """Starts operators; those that still run end with `stop`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process, self.folder = process, folder
        self.lock = asyncio.Lock()

    @classmethod
    async def prepare(cls, folder: Path, **variables: str) -> "Operators":
        """Start the process that operators are forked from, with `variables` in its environment."""
        keys = folder / KEYS
        keys.mkdir(exist_ok=True)
        (keys / "key").write_text("k" * 32)  # once: an operator that starts must not find a file that is being written
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        return cls(process, folder)

    async def start(self, url: str, *, namespace: str, name: str = "operator") -> Operator:
        """Start an operator `name` that uses the API server at `url`, with its Lease in `namespace`."""
        images = {f"LLMTRAIN_{image}_IMAGE": "i" for image in ("COORDINATOR", "TRAINER", "TRAINER_CPU")}
        environment = {
            **images,
            "LLMTRAIN_KEY_DIRECTORY": str(self.folder / KEYS),
            "KUBECONFIG": str(write_kubeconfig(self.folder / f"{namespace}-{name}.kubeconfig", url)),
            "LLMTRAIN_NAMESPACE": namespace,
            "LLMTRAIN_POD_NAME": name,
            "LLMTRAIN_METRICS_PORT": str(port := free_port()),
            "LLMTRAIN_HEALTH_PORT": str(free_port()),
            LOG: str(self.folder / f"{namespace}.log"),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with self.lock:
            self.process.stdin.write(json.dumps(environment).encode() + b"\n")
            pid, started = map(int, (await self.process.stdout.readline()).split())
            return Operator(pid=pid, started=started, metrics_port=port)

    def log(self, namespace: str) -> str:
        """Return what the operators of a namespace have printed."""
        path = self.folder / f"{namespace}.log"
        return path.read_text() if path.exists() else ""

    async def stop(self) -> None:
        """Kill the process that all operators were forked from: those that still run die with it.

        They are not killed one by one, because the ids of those that ended belong to other processes by now.
        """
        self.process.kill()
        await self.process.wait()


def serve() -> None:
    """Fork an operator for each line on stdin."""
    from kubernetes.aio.config import kube_config

    from llmtrain_operator.__main__ import main

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended operators leave no zombies
    for line in sys.stdin:
        environment: Mapping[str, Any] = json.loads(line)
        if (pid := os.fork()) == 0:
            die_with_parent()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.environ.pop("KUBERNETES_SERVICE_HOST", None)
            os.environ.update(environment)
            kube_config.KUBE_CONFIG_DEFAULT_LOCATION = environment["KUBECONFIG"]  # read once, by the import
            output = os.open(environment[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
                os.dup2(output, descriptor)
            os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
            os._exit(main())
        print(pid, started_at(pid), flush=True)


if __name__ == "__main__":
    serve()
