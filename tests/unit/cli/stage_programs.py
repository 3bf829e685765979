"""Small programs in place of the trainer and the coordinator: real processes that start in milliseconds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmtrain_api.protocol import CoordinatorStatus, Progress
from llmtrain_api.termination import DatasetInfo, ModelInfo, TerminationMessage

BEGINNING = """
import json, os, signal, socket, sys, time
from pathlib import Path

arguments = sys.argv[1:]
environment = {name: value for name, value in os.environ.items() if name.startswith(("LLMTRAIN_", "NCCL_", "CUDA_"))}
call = {"module": __package__, "arguments": arguments, "environment": environment, "pid": os.getpid()}
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(call) + "\\n")
"""
"""Records that the program was started."""
COORDINATOR = """
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["STATUS"].encode())

options = dict(argument.split("=") for argument in arguments if "=" in argument)
TCPServer.allow_reuse_address = True
TCPServer((options["--host"], int(options["--port"])), Handler).serve_forever()
"""
"""Answers each request with the status in its environment."""
TRAINER = """
def end_with(outcome, code=0):
    Path(os.environ["LLMTRAIN_TERMINATION_LOG"]).write_text(json.dumps(outcome))
    sys.exit(code)

exec(Path(__file__).with_name(f"{arguments[0]}.py").read_text())
"""
"""Runs the program of a stage, which can call `end_with`."""
WAIT_FOR_COORDINATOR = """
run = json.loads(Path(arguments[arguments.index("--run") + 1]).read_text())
host, port = run["coordinator"].split(":")
while True:
    try:
        socket.create_connection((host, int(port))).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.01)
"""
INTERRUPT = """
def on_stop(*_):
    ON_STOP

signal.signal(signal.SIGTERM, on_stop)
os.kill(os.getppid(), signal.SIGINT)
time.sleep(600)
"""
"""Interrupts the command that started it, and does something when it is stopped in turn."""

DATASET = DatasetInfo(id="dataset-1", tokens=1000, held_out_tokens=100, vocab_size=300, unigram_loss=5.0)
MODEL = ModelInfo(
    loss=2.5, perplexity=12.2, unigram_perplexity=148.4, parameters=1234, step=300, path="small-uid/model"
)
STATUS = CoordinatorStatus(
    state="Finished",
    generation=1,
    desired=2,
    joined=0,
    members=[],
    first_loss=9.0,
    progress=Progress(
        generation=1,
        step=300,
        steps=300,
        loss=2.5,
        learning_rate=0.0,
        gradient_norm=1.0,
        tokens=1000,
        tokens_per_second=500.0,
    ),
)


def end_with(**outcome: Any) -> str:
    """Return a program that reports a termination message and succeeds."""
    return f"end_with({TerminationMessage(**outcome).document()!r})"


def fail(code: int, message: str) -> str:
    """Return a program that reports why it fails."""
    return f"end_with({{'reason': 'Crashed', 'message': {message!r}}}, {code})"


def interrupt(on_stop: str) -> str:
    """Return a program that interrupts the command, and runs a statement when it is stopped in turn."""
    return INTERRUPT.replace("ON_STOP", on_stop)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A program that was started."""

    module: str
    arguments: list[str]
    environment: dict[str, str]
    pid: int

    @property
    def stage(self) -> str:
        """Return the stage of the trainer, or "coordinator"."""
        return "coordinator" if self.module == "llmtrain_coordinator" else self.arguments[0]

    @property
    def dataset(self) -> str | None:
        """Return the dataset that the program was given."""
        return self.arguments[self.arguments.index("--dataset") + 1] if "--dataset" in self.arguments else None


class StagePrograms:
    """The programs, in a folder that Python imports modules from. Each succeeds until it is replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._calls = folder, folder / "calls"
        for module, source in (("llmtrain_trainer", TRAINER), ("llmtrain_coordinator", COORDINATOR)):
            (folder / module).mkdir()
            (folder / module / "__main__.py").write_text(BEGINNING + source)
        self.replace("prepare", end_with(reason="Completed", message="read 8 files", dataset=DATASET))
        self.replace("worker", WAIT_FOR_COORDINATOR)
        self.replace("publish", end_with(reason="Completed", model=MODEL))
        self.environment = {
            "PYTHONPATH": str(folder),
            "CALLS": str(self._calls),
            "STATUS": STATUS.model_dump_json(by_alias=True),
        }
        """The variables that make a command run these programs."""

    def replace(self, stage: str, source: str) -> None:
        """Replace the program of a stage."""
        (self.folder / "llmtrain_trainer" / f"{stage}.py").write_text(source)

    def source(self, stage: str) -> str:
        """Return the program of a stage."""
        return (self.folder / "llmtrain_trainer" / f"{stage}.py").read_text()

    @property
    def calls(self) -> list[Call]:
        """Return the programs that were started, in order."""
        return [Call(**json.loads(line)) for line in self._calls.read_text().splitlines()]
