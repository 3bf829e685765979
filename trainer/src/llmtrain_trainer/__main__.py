"""The command line of the trainer: each process runs one stage of one job."""

import argparse
import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pydantic import ValidationError

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.names import RUN_CONFIG_DIRECTORY, RUN_CONFIG_FILE
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.outcomes import EXIT_CODES, run_stage, write_termination_message

if TYPE_CHECKING:
    from llmtrain_trainer.worker.rank_context import RankContext

EPILOG = """\
stages, in the order in which a job runs them:
  prepare   tokenizes the text and reports the id of the dataset; does nothing if the dataset exists
  worker    starts and supervises the rank processes of this pod; needs a coordinator
  rank      trains as one rank; started by `worker`
  publish   evaluates the newest checkpoint, exports it for Hugging Face's libraries, and samples a text

environment of a worker:
  LLMTRAIN_WORKER           number of the worker, from 0
  LLMTRAIN_ADDRESS          address at which other workers reach it (default 127.0.0.1)
  LLMTRAIN_NODE             name of its node
  LLMTRAIN_TERMINATION_LOG  file for the termination message (default /dev/termination-log)

exit codes: 0 completed, 1 failed, 2 the job's spec can't be satisfied, 3 the training diverged, 4 the ranks can't reach
each other, 143 stopped on request after a checkpoint
"""

Stage = Callable[[argparse.Namespace, RunConfig, JsonLog], TerminationMessage]
"""Runs one stage of a job."""


def main(arguments: Sequence[str] | None = None, *, abandoned_groups: AbandonedGroups) -> int:
    """Run one stage; return its exit code. A rank adds the process groups that lost a peer to `abandoned_groups`."""
    stages: dict[str, Stage] = {**STAGES, "rank": functools.partial(_rank, abandoned_groups=abandoned_groups)}
    options = _parser(stages).parse_args(arguments)
    log = JsonLog(fields=_log_fields(options.stage))
    outcome = run_stage(lambda: stages[options.stage](options, _read(options.run), log), log)
    if options.stage != "rank":
        write_termination_message(outcome)
    return EXIT_CODES[outcome.reason]


def _parser(stages: Iterable[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llmtrain_trainer",
        description="Runs one stage of an LLMTrainingJob.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", choices=sorted(stages))
    default = Path(RUN_CONFIG_DIRECTORY) / RUN_CONFIG_FILE
    parser.add_argument(
        "--run", type=Path, default=default, metavar="FILE", help="run configuration (default %(default)s)"
    )
    parser.add_argument(
        "--dataset", default="", metavar="ID", help="dataset that the prepare stage reported (not for prepare)"
    )
    parser.add_argument(
        "--part",
        type=int,
        default=0,
        metavar="N",
        help="where to begin, of --parts; only part 0 ends with a dataset (prepare)",
    )
    parser.add_argument(
        "--parts",
        type=int,
        default=1,
        metavar="N",
        help="pods that prepare this text at the same time (default %(default)s)",
    )
    parser.add_argument(
        "--spare", action="store_true", help="import everything, then wait until the supervisor assigns a rank"
    )
    return parser


def _read(path: Path) -> RunConfig:
    try:
        return RunConfig.read(path)
    except OSError as error:
        raise BadInput(f"run config {path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        raise BadInput(f"run config {path} is invalid: {error.errors()[0]['msg']}") from error


def _log_fields(stage: str) -> dict[str, object]:
    worker = os.environ.get("LLMTRAIN_WORKER")
    return {"stage": stage} | ({"worker": int(worker)} if worker else {})


def _prepare(options: argparse.Namespace, run: RunConfig, log: JsonLog) -> TerminationMessage:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else numpy starts a thread for each CPU of the node
    from llmtrain_trainer.data.processes import Part
    from llmtrain_trainer.stages.prepare import prepare

    return prepare(run, log, Part(options.part, options.parts))


def _worker(options: argparse.Namespace, run: RunConfig, log: JsonLog) -> TerminationMessage:
    from llmtrain_trainer.worker.supervisor import Supervisor

    return Supervisor(run, options.run, options.dataset, log).supervise()


def _rank(
    options: argparse.Namespace, run: RunConfig, log: JsonLog, *, abandoned_groups: AbandonedGroups
) -> TerminationMessage:
    """Train as one rank. A rank handles signals before it imports torch, which takes seconds; a spare needs none."""
    kind = RANKS[run.entrypoint.mode if run.entrypoint else None]
    from llmtrain_api.parent_death import die_with_parent
    from llmtrain_trainer.distributed.rank_identity import RankIdentity
    from llmtrain_trainer.training.learners import preload
    from llmtrain_trainer.worker.rank_context import RankContext
    from llmtrain_trainer.worker.spare import wait_for_assignment
    from llmtrain_trainer.worker.stop_signal import StopSignal

    die_with_parent()
    preloading = None if run.entrypoint else functools.partial(preload, run)
    if options.spare and not wait_for_assignment(kind.module, preload=preloading):
        return TerminationMessage(reason="Completed", message="this spare was not needed")
    rank = RankContext(
        identity=RankIdentity.from_environment(), stop_signal=StopSignal(), log=log, abandoned_groups=abandoned_groups
    )
    return kind.train(run, options.dataset, rank)


def _learn(run: RunConfig, dataset: str, rank: "RankContext") -> TerminationMessage:
    from llmtrain_trainer.stages.epochs import with_steps
    from llmtrain_trainer.trainer.elastic_trainer import ElasticTrainer
    from llmtrain_trainer.training.learners import task_factory

    run = with_steps(run, dataset)
    return ElasticTrainer(run, task_factory(run, dataset), rank).train()


def _train_elastic(run: RunConfig, dataset: str, rank: "RankContext") -> TerminationMessage:
    from llmtrain_trainer.user_program.elastic import run_elastic

    return run_elastic(run, rank)


def _train_torchrun(run: RunConfig, dataset: str, rank: "RankContext") -> TerminationMessage:
    from llmtrain_trainer.user_program.torchrun import TorchrunRunner

    return TorchrunRunner(run, rank).train()


@dataclass(frozen=True, kw_only=True)
class RankKind:
    """What a rank process runs."""

    module: str
    """The module that a spare imports before it has a rank."""
    train: "Callable[[RunConfig, str, RankContext], TerminationMessage]"


RANKS = {
    None: RankKind(module="llmtrain_trainer.trainer.elastic_trainer", train=_learn),
    "Elastic": RankKind(module="llmtrain_trainer.user_program.elastic", train=_train_elastic),
    "Torchrun": RankKind(module="llmtrain_trainer.user_program.torchrun", train=_train_torchrun),
}
"""By the mode of the job's entrypoint; None is a task of llmtrain's own."""


def _publish(options: argparse.Namespace, run: RunConfig, log: JsonLog) -> TerminationMessage:
    os.environ.setdefault("OMP_NUM_THREADS", str(run.threads_per_rank))
    from llmtrain_trainer.stages.publish import publish

    return publish(run, options.dataset, log)


STAGES: dict[str, Stage] = {
    "prepare": _prepare,
    "worker": _worker,
    "publish": _publish,
}
"""The stages that need nothing of their process, by name."""


def run_process() -> NoReturn:
    """Run one stage and end this process without destructors: that of an abandoned process group blocks or aborts."""
    abandoned_groups = AbandonedGroups()
    code = main(abandoned_groups=abandoned_groups)
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    run_process()
