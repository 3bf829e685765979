"""The command line of the trainer: one stage of one job a process."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from llmtrain_api.names import RUN_CONFIG_DIRECTORY, RUN_CONFIG_FILE
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.log import Log
from llmtrain_trainer.outcomes import EXIT_CODES, run_stage, write_termination_message

if TYPE_CHECKING:
    from llmtrain_trainer.distributed.rank_identity import RankIdentity
    from llmtrain_trainer.worker.stop_signal import StopSignal

EPILOG = """\
stages, in the order in which a job runs them:
  prepare   text -> tokens; prints the dataset's id and ends (nothing to do if they are there already)
  worker    starts this pod's trainer processes and watches them; needs a coordinator
  rank      one trainer process; started by `worker`
  publish   newest checkpoint -> perplexity, a model that Hugging Face's libraries load, a sample

environment of a worker:
  LLMTRAIN_WORKER           its number, from 0
  LLMTRAIN_ADDRESS          address the other workers reach it at (default 127.0.0.1)
  LLMTRAIN_NODE             name of its node
  LLMTRAIN_TERMINATION_LOG  file for the outcome (default /dev/termination-log)

exit codes: 0 done, 1 something broke, 2 the job asks for what can't be had, 143 stopped after a checkpoint
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; return the exit code."""
    options = _parser().parse_args(arguments)
    log = Log(fields=_log_fields(options.stage))
    outcome = run_stage(lambda: STAGES[options.stage](options, _read(options.run), log), log)
    if options.stage != "rank":
        write_termination_message(outcome)
    return EXIT_CODES[outcome.reason]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llmtrain_trainer",
        description="One stage of an LLMTrainingJob.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", choices=sorted(STAGES))
    default = Path(RUN_CONFIG_DIRECTORY) / RUN_CONFIG_FILE
    parser.add_argument("--run", type=Path, default=default, metavar="FILE", help="run config (default %(default)s)")
    parser.add_argument("--dataset", default="", metavar="ID", help="dataset made by prepare (not for prepare)")
    parser.add_argument("--spare", action="store_true", help="import everything, then wait to be told which rank to be")
    return parser


def _read(path: Path) -> RunConfig:
    try:
        return RunConfig.read(path)
    except OSError as error:
        raise BadInput(f"run config {path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        raise BadInput(f"run config {path} isn't valid: {error.errors()[0]['msg']}") from error


def _log_fields(stage: str) -> dict[str, object]:
    worker = os.environ.get("LLMTRAIN_WORKER")
    return {"stage": stage} | ({"worker": int(worker)} if worker else {})


def _prepare(options: argparse.Namespace, run: RunConfig, log: Log) -> TerminationMessage:
    from llmtrain_trainer.stages.prepare import prepare

    return prepare(run, log)


def _worker(options: argparse.Namespace, run: RunConfig, log: Log) -> TerminationMessage:
    from llmtrain_trainer.worker.supervisor import Supervisor

    return Supervisor(run, options.run, options.dataset, log).supervise()


def _rank(options: argparse.Namespace, run: RunConfig, log: Log) -> TerminationMessage:
    """Signals are heeded before torch is imported, which takes seconds; a spare may just be killed."""
    kind = RANKS[run.entrypoint.mode if run.entrypoint else None]
    from llmtrain_trainer.distributed.rank_identity import RankIdentity
    from llmtrain_trainer.parent_death import die_with_parent
    from llmtrain_trainer.worker.spare import wait_for_assignment
    from llmtrain_trainer.worker.stop_signal import StopSignal

    die_with_parent()
    if options.spare and not wait_for_assignment(kind.module):
        return TerminationMessage(reason="Completed", message="never needed")
    return kind.train(run, options.dataset, RankIdentity.from_environment(), StopSignal(), log)


def _pretrain(
    run: RunConfig, dataset: str, place: "RankIdentity", stopping: "StopSignal", log: Log
) -> TerminationMessage:
    from llmtrain_trainer.trainer.elastic_trainer import ElasticTrainer, pretrain_task

    return ElasticTrainer(run, pretrain_task(run, dataset), place, stopping, log).train()


def _run_inside(
    run: RunConfig, dataset: str, place: "RankIdentity", stopping: "StopSignal", log: Log
) -> TerminationMessage:
    from llmtrain_trainer.user_program.elastic import run_elastic

    return run_elastic(run, place, stopping, log)


def _run_alongside(
    run: RunConfig, dataset: str, place: "RankIdentity", stopping: "StopSignal", log: Log
) -> TerminationMessage:
    from llmtrain_trainer.user_program.torchrun import TorchrunRunner

    return TorchrunRunner(run, place, stopping, log).train()


@dataclass(frozen=True, kw_only=True)
class RankKind:
    """What a rank does, and what it imports before it is known which rank it will be."""

    module: str
    train: "Callable[[RunConfig, str, RankIdentity, StopSignal, Log], TerminationMessage]"


RANKS = {
    None: RankKind(module="llmtrain_trainer.trainer.elastic_trainer", train=_pretrain),
    "Elastic": RankKind(module="llmtrain_trainer.user_program.elastic", train=_run_inside),
    "Torchrun": RankKind(module="llmtrain_trainer.user_program.torchrun", train=_run_alongside),
}
"""By the mode of the job's entrypoint."""


def _publish(options: argparse.Namespace, run: RunConfig, log: Log) -> TerminationMessage:
    os.environ.setdefault("OMP_NUM_THREADS", str(run.threads_per_rank))
    from llmtrain_trainer.stages.publish import publish

    return publish(run, options.dataset, log)


STAGES: dict[str, Callable[[argparse.Namespace, RunConfig, Log], TerminationMessage]] = {
    "prepare": _prepare,
    "worker": _worker,
    "rank": _rank,
    "publish": _publish,
}

if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Not sys.exit: a process group that lost a peer would wait in its destructor, or abort.
    os._exit(code)
