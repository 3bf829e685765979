"""`llmtrain run`: the same processes as on a cluster, as children of this one."""

import asyncio
import contextlib
import signal
import socket
import time
from pathlib import Path

from llmtrain_api.names import OUTPUT_FOLDER
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.rules import torchrun
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ExitCode, ModelInfo, TerminationMessage
from llmtrain_cli.display import Display, display_for
from llmtrain_cli.errors import BadInput, Interrupted, RunFailed
from llmtrain_cli.job_file import read_job
from llmtrain_cli.local_supervisor import KILL_SECONDS, FailureBudget, LocalSupervisor
from llmtrain_cli.process import ExitStatus, Process, ProcessSpec
from llmtrain_cli.status_poller import StatusPoller
from llmtrain_cli.summary import Summary
from llmtrain_cli.workspace import NAMESPACE, Workspace


def run(file: Path, directory: Path, *, fresh: bool, plain: bool) -> None:
    """Train the job in `file` and print what came of it."""
    job = read_job(file)
    folder = Workspace(directory=directory, job=job)
    with folder.opened(fresh=fresh), display_for(job.name, plain=plain) as display:
        summary = asyncio.run(_until_asked_to_stop(LocalRun(folder, display)))
    print("\n".join(summary.lines()), flush=True)


async def _until_asked_to_stop(local: "LocalRun") -> Summary:
    """Carry the run out; SIGINT and SIGTERM end it in good order, a second one at once."""
    task = asyncio.create_task(local.carry_out())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, local.stop, task)
    try:
        return await task
    except asyncio.CancelledError:
        raise Interrupted("stopped; the same command goes on from the last checkpoint.") from None


class LocalRun:
    """One run: prepare, then coordinator and workers, then publish."""

    def __init__(self, folder: Workspace, display: Display) -> None:
        self._folder, self._display, self._job = folder, display, folder.job
        self._crew = LocalSupervisor(self._start, FailureBudget(recovery=self._job.spec.recovery), display.note)
        self._stage: Process | None = None
        self._stopping = False
        self._status: CoordinatorStatus | None = None

    async def carry_out(self) -> Summary:
        """Run all stages; return the figures."""
        started = time.monotonic()
        run = self._folder.write_run_config(_free_port())
        model: ModelInfo | None = None
        if run.entrypoint is None:
            model = await self._train_our_model(run)
        else:
            await self._train(run, "")
        return Summary(
            job=self._job.name,
            steps=self._job.spec.training.steps,
            model=model,
            folder=self._folder.results.parent / model.path if model else self._folder.results / OUTPUT_FOLDER,
            seconds=time.monotonic() - started,
            first_loss=self._folder.first_loss(None),
            last=self._status.progress if self._status else None,
        )

    async def _train_our_model(self, run: RunConfig) -> ModelInfo:
        """Turn the text into tokens, train, and publish the model; return what is known of it."""
        prepared = await self._run_stage("prepare")
        self._display.note(prepared.message)
        dataset = prepared.dataset.id if prepared.dataset else ""
        await self._train(run, dataset)
        self._display.note("trained; evaluating and exporting the model")
        published = await self._run_stage("publish", dataset)
        if published.model is None:
            raise RunFailed(f"publish said nothing of the model; see {self._folder.logs / 'publish.jsonl'}.")
        return published.model

    def stop(self, task: "asyncio.Task[Summary]") -> None:
        """Ask everyone to stop; kill them when asked again."""
        if self._stopping:
            asyncio.get_running_loop().create_task(self._kill())
            return
        self._stopping = True
        self._display.note("stopping: the workers write a checkpoint first (once more to stop at once)")
        task.cancel()

    async def _train(self, run: RunConfig, dataset: str) -> None:
        watch = StatusPoller(run, self._see)
        watching = asyncio.create_task(watch.look_for_ever())
        workers = [self._worker(number, dataset) for number in range(self._job.spec.workers.replicas)]
        try:
            await self._crew.work(self._coordinator(run), workers, on_finished=watch.look)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    def _see(self, status: CoordinatorStatus) -> None:
        self._folder.first_loss(status.first_loss)
        self._status = status
        self._display.show(status)

    async def _run_stage(self, stage: str, dataset: str = "") -> TerminationMessage:
        """Run a stage that is one process; return what it made."""
        arguments = ["-m", "llmtrain_trainer", stage, "--run", str(self._folder.run_file)]
        part = ProcessSpec(name=stage, arguments=[*arguments, *_dataset_option(dataset)])
        self._stage = await self._start(part)
        try:
            end = await self._stage.end()
        finally:
            await self._stage.stop(KILL_SECONDS)
        if end.succeeded:
            return end.outcome or TerminationMessage(reason="Completed")
        raise self._failure(end)

    def _failure(self, end: ExitStatus) -> BadInput | RunFailed:
        if end.exit_code == ExitCode.BAD_INPUT:
            volume = self._job.spec.data.source.volume
            return BadInput(f"{end.sentence} (volume {volume} is the folder {self._folder.volume(volume)})")
        return RunFailed(f"{end.sentence}; see {self._folder.logs / end.part}.jsonl")

    def _coordinator(self, run: RunConfig) -> ProcessSpec:
        host, _, port = run.coordinator.partition(":")
        options = {
            "job": run.job,
            "namespace": NAMESPACE,
            "uid": run.uid,
            "workers": self._job.spec.workers.replicas,
            "ranks-per-worker": run.ranks_per_worker,
            "host": host,
            "port": port,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        no_progress = ["--no-progress"] if torchrun(self._job.spec) else []
        return ProcessSpec(
            name="coordinator", arguments=["-m", "llmtrain_coordinator", "--standalone", *no_progress, *arguments]
        )

    def _worker(self, number: int, dataset: str) -> ProcessSpec:
        run_file = str(self._folder.run_file)
        wished = {variable.name: variable.value for variable in self._job.spec.workers.env}
        return ProcessSpec(
            name=f"worker-{number}",
            arguments=["-m", "llmtrain_trainer", "worker", "--run", run_file, *_dataset_option(dataset)],
            environment={**wished, "LLMTRAIN_WORKER": str(number), "LLMTRAIN_ADDRESS": "127.0.0.1"},
        )

    async def _start(self, part: ProcessSpec) -> Process:
        return await Process.start(part, logs=self._folder.logs, outcomes=self._folder.own)

    async def _kill(self) -> None:
        if self._stage:
            await self._stage.kill()
        await self._crew.kill()


def _dataset_option(dataset: str) -> list[str]:
    return ["--dataset", dataset] if dataset else []


def _free_port() -> int:
    """Return a port that nobody serves on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
