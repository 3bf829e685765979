"""`llmtrain run`: runs the processes of a job as children of this one, without a cluster."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from llmtrain_api.names import OUTPUT_FOLDER
from llmtrain_api.protocol import BadStepInfo, CoordinatorStatus
from llmtrain_api.rules import torchrun
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stop_signals import stop_signals
from llmtrain_api.termination import ModelInfo, TerminationMessage
from llmtrain_cli.display import Display, display_for
from llmtrain_cli.errors import BadInput, Interrupted, RunFailed
from llmtrain_cli.job_file import read_job
from llmtrain_cli.local_environment import user_environment
from llmtrain_cli.local_fields import ignored_fields
from llmtrain_cli.local_gpus import gpus_of_workers, visible_gpus
from llmtrain_cli.local_supervisor import LocalSupervisor
from llmtrain_cli.process import Process, ProcessSpec
from llmtrain_cli.status_poller import StatusPoller
from llmtrain_cli.summary import Summary
from llmtrain_cli.workspace import NAMESPACE, Workspace


def run(file: Path, directory: Path, *, name: str = "", fresh: bool, plain: bool) -> None:
    """Train the job in `file`, the one called `name` if there are several, below `directory` and print a summary."""
    job = read_job(file, name)
    workspace = Workspace(directory=directory, job=job)
    with workspace.open(fresh=fresh), display_for(job.name, plain=plain) as display:
        summary = asyncio.run(_run_until_signalled(LocalRun(workspace, display)))
    print("\n".join(summary.lines()), flush=True)


async def _run_until_signalled(local_run: "LocalRun") -> Summary:
    """Execute the run. The first stop signal stops it gracefully, the second one at once.

    SIGHUP only ever stops it gracefully: kernel and shell both send it when a terminal is closed.
    """
    task = asyncio.create_task(local_run.execute())
    for number in stop_signals():
        asyncio.get_running_loop().add_signal_handler(number, local_run.stop, task, number)
    try:
        return await task
    except asyncio.CancelledError:
        raise Interrupted("stopped; run the same command again to resume from the last checkpoint.") from None


class LocalRun:
    """One run: the prepare stage, then the coordinator and the workers, then the publish stage."""

    def __init__(self, workspace: Workspace, display: Display) -> None:
        self._workspace, self._display, self._job = workspace, display, workspace.job
        self._supervisor = LocalSupervisor(self._start, self._job.spec.recovery, display.note)
        workers = self._job.spec.workers
        self._environment = user_environment(workers, os.environ)
        visible = visible_gpus({**os.environ, **self._environment}) if workers.gpus else []
        self._gpus = gpus_of_workers(workers, visible) if workers.gpus else [{}] * workers.replicas
        self._stopping = False
        self._status: CoordinatorStatus | None = None
        self._bad_step: BadStepInfo | None = None

    async def execute(self) -> Summary:
        """Run all stages; return the results. A user program has no prepare and no publish stage."""
        started = time.monotonic()
        for sentence in ignored_fields(self._job.spec):
            self._display.note(sentence)
        model: ModelInfo | None = None
        with reserved_port() as port:
            config = self._workspace.write_run_config(port)
            if config.entrypoint is None:
                model = await self._run_stages(config)
            else:
                await self._train(config, "")
        results = self._workspace.results
        return Summary(
            job=self._job.name,
            steps=model.step if model else self._job.spec.training.total_steps,
            model=model,
            output_dir=results.parent / model.path if model else results / OUTPUT_FOLDER,
            seconds=time.monotonic() - started,
            first_loss=self._workspace.first_loss(None),
            last=self._status.progress if self._status else None,
        )

    async def _run_stages(self, config: RunConfig) -> ModelInfo:
        """Tokenize the text, train, and publish the model; return its figures."""
        prepared = await self._run_stage("prepare")
        self._display.note(prepared.message)
        dataset = prepared.dataset.id if prepared.dataset else ""
        await self._train(config, dataset)
        self._display.note("training finished; evaluating and exporting the model")
        published = await self._run_stage("publish", dataset)
        if published.model is None:
            log = self._workspace.logs / "publish.jsonl"
            raise RunFailed(f"publish: the stage succeeded without reporting a model; see {log}.")
        return published.model

    def stop(self, task: "asyncio.Task[Summary]", number: signal.Signals) -> None:
        """Stop the run gracefully because of a signal; kill all processes if called a second time."""
        if self._stopping and number == signal.SIGHUP:
            return
        if self._stopping:
            asyncio.get_running_loop().create_task(self._supervisor.kill())
            return
        self._stopping = True
        self._display.note("stopping: workers write a checkpoint first (Ctrl-C again to stop at once)")
        task.cancel()

    async def _train(self, config: RunConfig, dataset: str) -> None:
        poller = StatusPoller(config, self._record_status)
        polling = asyncio.create_task(poller.poll_forever())
        workers = [self._worker(number, dataset) for number in range(self._job.spec.workers.replicas)]
        try:
            await self._supervisor.train(self._coordinator(config), workers, on_finished=poller.poll)
        finally:
            polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await polling

    def _record_status(self, status: CoordinatorStatus) -> None:
        self._workspace.first_loss(status.first_loss)
        if status.progress and status.progress.bad_step not in (None, self._bad_step):
            self._bad_step = status.progress.bad_step
            self._display.note(f"{self._bad_step.message}; the step was not applied")
        self._status = status
        self._display.show(status)

    async def _run_stage(self, stage: str, dataset: str = "") -> TerminationMessage:
        """Run a stage that is a single process; return its termination message."""
        arguments = ["-m", "llmtrain_trainer", stage, "--run", str(self._workspace.run_file)]
        spec = ProcessSpec(name=stage, arguments=[*arguments, *_dataset_option(dataset)], environment=self._environment)
        try:
            status = await self._supervisor.run_stage(spec)
        except BadInput as error:
            model = self._job.spec.model
            volume: str | None = self._job.spec.data.source.volume
            for files, field in ((model.source, "spec.model.from"), (model.vectors, "spec.model.vectors")):
                if files and str(error).startswith(f"{stage}: {field}"):
                    volume = files.volume
            if volume is None:  # a published model, whose folder the message has
                raise
            raise BadInput(f"{error} (volume {volume} is the folder {self._workspace.volume(volume)})") from None
        except RunFailed as error:
            raise RunFailed(f"{error}; see {self._workspace.logs / stage}.jsonl") from None
        return status.outcome or TerminationMessage(reason="Completed")

    def _coordinator(self, config: RunConfig) -> ProcessSpec:
        host, _, port = config.coordinator.partition(":")
        options = {
            "job": config.job,
            "namespace": NAMESPACE,
            "uid": config.uid,
            "token-file": config.token_file,
            "workers": self._job.spec.workers.replicas,
            "ranks-per-worker": config.ranks_per_worker,
            "host": host,
            "port": port,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        no_progress = ["--no-progress"] if torchrun(self._job.spec) else []
        return ProcessSpec(
            name="coordinator", arguments=["-m", "llmtrain_coordinator", "--standalone", *no_progress, *arguments]
        )

    def _worker(self, number: int, dataset: str) -> ProcessSpec:
        run_file = str(self._workspace.run_file)
        return ProcessSpec(
            name=f"worker-{number}",
            arguments=["-m", "llmtrain_trainer", "worker", "--run", run_file, *_dataset_option(dataset)],
            environment={
                **self._environment,
                **self._gpus[number],
                "LLMTRAIN_WORKER": str(number),
                "LLMTRAIN_ADDRESS": "127.0.0.1",
            },
        )

    async def _start(self, spec: ProcessSpec) -> Process:
        return await Process.start(spec, logs=self._workspace.logs, outcomes=self._workspace.state)


def _dataset_option(dataset: str) -> list[str]:
    return ["--dataset", dataset] if dataset else []


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Yield a TCP port of the loopback interface that no other program gets within the context, also while none listens.

    It is bound here with SO_REUSEADDR, so the coordinator, and each that replaces it, can listen on it.
    """
    with socket.socket() as reservation:
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(("127.0.0.1", 0))
        yield int(reservation.getsockname()[1])
