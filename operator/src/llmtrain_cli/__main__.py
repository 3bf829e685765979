"""`llmtrain`: the subcommands, their options, and how errors become exit codes."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_cli.errors import BadInput, CommandError, Interrupted, RunFailed
from llmtrain_cli.surviving_output import surviving_output

if TYPE_CHECKING:
    from llmtrain_cli.prometheus import JobName, Prometheus

DESCRIPTION = """\
Train the language model that a job file describes on this machine, without a cluster,
and read the logs and metrics of jobs that run on a cluster."""
EXIT_CODES = (
    f"0 success, {RunFailed.exit_code} failure, {BadInput.exit_code} invalid input, {Interrupted.exit_code} interrupted"
)
EPILOG = f"""\
examples:
  llmtrain validate job.yaml            check a job file
  llmtrain run job.yaml                 train; after Ctrl-C, the same command resumes
  llmtrain run job.yaml --fresh         delete earlier results and start over
  llmtrain predict stars in.jsonl out.jsonl    apply what a job of this machine has learned
  llmtrain merge FIRST SECOND merged/stars     average the weights of two trainings
  kubectl logs gpt-worker-0 | llmtrain logs
  llmtrain top gpt -n team              current speed and hardware use of each rank
  llmtrain report gpt -n team           write a report of the training to gpt.html
  llmtrain mlflow gpt -n team           export its curves to a run of MLflow

`llmtrain COMMAND --help` describes the options of a command.

install from a checkout: pip install '.[cli]'; for `run`, `predict` and `merge` '.[cli,trainer]', for `mlflow` '.[cli,mlflow]'

exit codes: {EXIT_CODES}
"""
EXTRAS = {"run": "cli,trainer", "predict": "cli,trainer", "merge": "cli,trainer", "mlflow": "cli,mlflow"}
"""Extras of the package that a subcommand needs; the others need `cli`."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    root = argparse.ArgumentParser(
        prog="llmtrain", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_validate(commands.add_parser("validate", help="check a job file", description=VALIDATE))
    _add_run(commands.add_parser("run", help="train a job on this machine, without a cluster", description=RUN))
    _add_predict(commands.add_parser("predict", help="apply a trained model to a file", description=PREDICT))
    _add_merge(commands.add_parser("merge", help="average the weights of trained models", description=MERGE))
    _add_logs(commands.add_parser("logs", help="make JSON log lines readable", description=LOGS))
    _add_top(commands.add_parser("top", help="show each rank's speed and hardware use", description=TOP))
    _add_report(commands.add_parser("report", help="write an HTML report of a training", description=REPORT))
    _add_mlflow(commands.add_parser("mlflow", help="export a training's curves to MLflow", description=MLFLOW))
    return root


VALIDATE = "Check each job of a file as the API server would. Every error names the field and the remedy. Example: %(prog)s job.yaml"
RUN = """Train a job with the same coordinator and trainers as on a cluster, as processes of this machine. Ctrl-C writes a
checkpoint and stops; the same command resumes from it. Example: %(prog)s examples/gpt-stdlib.yaml"""
PREDICT = """Apply a trained model of any task but pretrain to each line of a JSONL file, and write the lines with its answer
added in the field `prediction`. Several models of classification or regression average their predictions.
Example: %(prog)s stars in.jsonl out.jsonl"""
MERGE = """Write a folder with the average of the weights of trained models that differ in nothing else, such as fine-tunings of
one model. Example: %(prog)s FIRST SECOND merged/stars"""
LOGS = """Show JSON log lines as time, level, event and fields; other lines are shown unchanged.
Example: kubectl logs gpt-worker-0 | %(prog)s"""
TOP = """Show what each rank of a running job and its hardware do, from Prometheus, until the training ends or Ctrl-C.
Example: %(prog)s gpt -n team"""
REPORT = """Write one self-contained HTML page about a job's newest training, from Prometheus: loss, throughput, where the
time went, recoveries and hardware. Example: %(prog)s gpt -n team --since 30d"""
MLFLOW = """Export the curves of a job's newest training from Prometheus to a run of MLflow. Running it again adds only new
points. Example: %(prog)s gpt -n team --tracking-uri http://mlflow.example"""


def _add_validate(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="job.yaml", help="job file, as kubectl applies it")


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="job.yaml", help="job file, as kubectl applies it")
    command.add_argument("--job", default="", metavar="NAME", help="which job of the file to run, if it holds several")
    command.add_argument(
        "--directory",
        type=Path,
        default=Path(".llmtrain"),
        metavar="DIR",
        help="folder of volumes, checkpoints and logs (default: %(default)s); "
        "the job's volume V is the folder DIR/volumes/V",
    )
    command.add_argument("--fresh", action="store_true", help="delete the results of earlier runs of this job first")
    command.add_argument("--plain", action="store_true", help="print lines instead of a progress bar")


def _add_predict(command: argparse.ArgumentParser) -> None:
    _add_models(
        command, "name of a local job that has ended, or folder of its model; the predictions of several are averaged"
    )
    command.add_argument("source", type=Path, metavar="in.jsonl", help="file with a JSON object in each line")
    command.add_argument("target", type=Path, metavar="out.jsonl", help="file to write")
    command.add_argument(
        "--text",
        default="",
        metavar="FIELD",
        help="field with the text, the items or the word, if it is not the one of the training data",
    )


def _add_merge(command: argparse.ArgumentParser) -> None:
    _add_models(command, "names of local jobs that have ended, or folders of their models: two or more")
    command.add_argument("target", type=Path, metavar="OUT", help="folder to write")


def _add_models(command: argparse.ArgumentParser, help_text: str) -> None:
    command.add_argument("models", nargs="+", metavar="JOB|FOLDER", help=help_text)
    command.add_argument(
        "--directory",
        type=Path,
        default=Path(".llmtrain"),
        metavar="DIR",
        help="folder of local jobs (default: %(default)s)",
    )


def _add_logs(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", nargs="?", default="-", metavar="FILE", help="log file (default: standard input)")


def _add_top(command: argparse.ArgumentParser) -> None:
    _add_job(command)
    command.add_argument(
        "--interval", type=float, default=2.0, metavar="SECONDS", help="time between updates (default: %(default)s)"
    )
    command.add_argument("--once", action="store_true", help="print the current state once and exit")


def _add_report(command: argparse.ArgumentParser) -> None:
    _add_job(command)
    _add_since(command)
    command.add_argument("--output", type=Path, metavar="FILE", help="file to write (default: JOB.html)")


def _add_mlflow(command: argparse.ArgumentParser) -> None:
    _add_job(command)
    _add_since(command)
    command.add_argument(
        "--tracking-uri", metavar="URI", help="MLflow server or folder (default: $MLFLOW_TRACKING_URI)"
    )
    command.add_argument(
        "--experiment", default="llmtrain", metavar="NAME", help="MLflow experiment of the run (default: %(default)s)"
    )
    command.add_argument("--finish", action="store_true", help="mark the run as finished: the training has ended")


def _add_job(command: argparse.ArgumentParser) -> None:
    from llmtrain_cli.prometheus import DEFAULT, TOKEN_VARIABLE, VARIABLE

    command.add_argument("job", metavar="JOB", help="name of the job")
    command.add_argument(
        "-n", "--namespace", default="default", metavar="NS", help="namespace of the job (default: %(default)s)"
    )
    command.add_argument(
        "--prometheus",
        metavar="URL",
        help=f"Prometheus server to query (default: ${VARIABLE}, else {DEFAULT}); log in with "
        f"http://user:password@host or a bearer token in ${TOKEN_VARIABLE}",
    )


def _add_since(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--since", default="7d", metavar="TIME", help="how far to look back, such as 12h or 30d (default: %(default)s)"
    )


def _job(options: argparse.Namespace) -> "JobName":
    from llmtrain_cli.prometheus import JobName

    return JobName(namespace=options.namespace, name=options.job)


def _prometheus(options: argparse.Namespace) -> "Prometheus":
    from llmtrain_cli.prometheus import Prometheus, default_url

    return Prometheus(options.prometheus or default_url())


def dispatch(options: argparse.Namespace) -> None:
    """Run one subcommand; each imports only the packages it needs."""
    match options.command:
        case "run":
            from llmtrain_cli.run import run

            run(options.file, options.directory, name=options.job, fresh=options.fresh, plain=options.plain)
        case "predict":
            from llmtrain_cli.predict import predict

            predict(options.models, options.source, options.target, directory=options.directory, text=options.text)
        case "merge":
            from llmtrain_cli.predict import merge

            merge(options.models, options.target, directory=options.directory)
        case "logs":
            from llmtrain_cli.logs import show

            show(options.file)
        case "validate":
            from llmtrain_cli.validate import validate

            validate(options.file)
        case "top":
            from llmtrain_cli.top.live import top

            interval_seconds = max(0.1, options.interval)
            top(_prometheus(options), _job(options), interval_seconds=interval_seconds, once=options.once)
        case "report":
            from llmtrain_cli.report import page
            from llmtrain_cli.report.history import read

            file = options.output or Path(f"{options.job}.html")
            page.write(read(_prometheus(options), _job(options), options.since), file)
            print(f"report: {file}")
        case "mlflow":
            from llmtrain_cli.mlflow_export import export
            from llmtrain_cli.report.history import read

            history = read(_prometheus(options), _job(options), options.since)
            run_id = export(
                history, tracking_uri=options.tracking_uri, experiment=options.experiment, finish=options.finish
            )
            print(f"mlflow: run {run_id}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = parser().parse_args(arguments)
    # The terminal of a run can be closed: it then stops with a checkpoint, or continues under `nohup`.
    with surviving_output() if options.command == "run" else contextlib.nullcontext():
        return _exit_code(options)


def _exit_code(options: argparse.Namespace) -> int:
    """Run one subcommand; print its error, if it has one, and return the exit code."""
    try:
        dispatch(options)
    except CommandError as error:
        print(f"llmtrain: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        extras = EXTRAS.get(options.command, "cli")
        print(
            f"llmtrain: Python package {error.name} is missing; in a checkout of llmtrain: pip install '.[{extras}]'",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        # `run` handles signals itself once its processes start.
        when = " before the run started" if options.command == "run" else ""
        print(f"llmtrain: interrupted{when}", file=sys.stderr)
        return Interrupted.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
