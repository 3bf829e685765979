"""`llmtrain`: subcommands, and how errors become exit codes."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_cli.errors import CommandError, Interrupted

if TYPE_CHECKING:
    from llmtrain_cli.prometheus import Prometheus

DESCRIPTION = "Train the language model a job file describes, on this machine, and read what llmtrain's parts say."
EPILOG = """\
examples:
  llmtrain validate job.yaml
  llmtrain run job.yaml                 train; Ctrl-C stops, the same command goes on
  llmtrain run job.yaml --fresh         begin anew
  kubectl logs gpt-worker-0 | llmtrain logs
  llmtrain top gpt -n team              what each rank does now
  llmtrain report gpt -n team           a page about the training, in gpt.html
  llmtrain mlflow gpt -n team           its curves as a run of MLflow

installed from a checkout: pip install '.[cli]', for `run` '.[cli,trainer]', for `mlflow` '.[cli,mlflow]'

exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted
"""
EXTRAS = {"run": "cli,trainer", "mlflow": "cli,mlflow"}
"""What a subcommand needs beside the package; `cli` is enough for the others."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    root = argparse.ArgumentParser(
        prog="llmtrain", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="train a job on this machine, without a cluster")
    run.add_argument("file", type=Path, metavar="job.yaml", help="job file, as for kubectl apply")
    run.add_argument(
        "--directory",
        type=Path,
        default=Path(".llmtrain"),
        metavar="DIR",
        help="where volumes, checkpoints and logs are (default: %(default)s); "
        "volume V of the job is the folder DIR/volumes/V",
    )
    run.add_argument("--fresh", action="store_true", help="throw away what an earlier run of this job left there")
    run.add_argument("--plain", action="store_true", help="lines in place of a progress bar")
    logs = commands.add_parser("logs", help="make JSON log lines readable")
    logs.add_argument("file", nargs="?", default="-", metavar="FILE", help="log file (default: standard input)")
    validate = commands.add_parser("validate", help="say whether a job file is valid")
    validate.add_argument("file", type=Path, metavar="job.yaml", help="job file")
    top = commands.add_parser("top", help="show what each rank of a job does now, by Prometheus")
    _add_job(top)
    top.add_argument("--interval", type=float, default=2.0, metavar="SECONDS", help="how often (default: %(default)s)")
    top.add_argument("--once", action="store_true", help="print it once and end")
    report = commands.add_parser("report", help="write a page about a job's training, by Prometheus")
    _add_job(report)
    report.add_argument("--output", type=Path, metavar="FILE", help="where to (default: JOB.html)")
    report.add_argument(
        "--since", default="7d", metavar="TIME", help="how far to look back, as 12h or 30d (default: %(default)s)"
    )
    mlflow = commands.add_parser("mlflow", help="write a job's curves into MLflow, by Prometheus; again goes on")
    _add_job(mlflow)
    mlflow.add_argument("--since", default="7d", metavar="TIME", help="how far to look back (default: %(default)s)")
    mlflow.add_argument(
        "--tracking-uri", metavar="URI", help="MLflow's server or folder (default: $MLFLOW_TRACKING_URI)"
    )
    mlflow.add_argument("--experiment", default="llmtrain", metavar="NAME", help="(default: %(default)s)")
    mlflow.add_argument("--finish", action="store_true", help="the training is over: finish the run too")
    return root


def _add_job(command: argparse.ArgumentParser) -> None:
    from llmtrain_cli.prometheus import DEFAULT, TOKEN_VARIABLE, VARIABLE

    command.add_argument("job", metavar="JOB", help="name of the job")
    command.add_argument("-n", "--namespace", default="default", metavar="NS", help="its namespace (default: default)")
    command.add_argument(
        "--prometheus",
        metavar="URL",
        help=f"server to ask (default: ${VARIABLE} or {DEFAULT}); http://user:password@host logs in, "
        f"as does a token in ${TOKEN_VARIABLE}",
    )


def _prometheus(options: argparse.Namespace) -> "Prometheus":
    from llmtrain_cli.prometheus import Prometheus, default_url

    return Prometheus(options.prometheus or default_url())


def dispatch(options: argparse.Namespace) -> None:
    """Run one subcommand; each imports only what it needs."""
    match options.command:
        case "run":
            from llmtrain_cli.run import run

            run(options.file, options.directory, fresh=options.fresh, plain=options.plain)
        case "logs":
            from llmtrain_cli.logs import show

            show(options.file)
        case "validate":
            from llmtrain_cli.validate import validate

            validate(options.file)
        case "top":
            from llmtrain_cli.prometheus import JobName
            from llmtrain_cli.top.live import top

            job = JobName(namespace=options.namespace, name=options.job)
            top(_prometheus(options), job, every_seconds=max(0.1, options.interval), once=options.once)
        case "report":
            from llmtrain_cli.prometheus import JobName
            from llmtrain_cli.report import page
            from llmtrain_cli.report.history import read

            job = JobName(namespace=options.namespace, name=options.job)
            file = options.output or Path(f"{options.job}.html")
            page.write(read(_prometheus(options), job, options.since), file)
            print(f"report: {file}")
        case "mlflow":
            from llmtrain_cli.mlflow_export import track
            from llmtrain_cli.prometheus import JobName
            from llmtrain_cli.report.history import read

            job = JobName(namespace=options.namespace, name=options.job)
            history = read(_prometheus(options), job, options.since)
            id = track(history, tracking_uri=options.tracking_uri, experiment=options.experiment, ended=options.finish)
            print(f"mlflow: run {id}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = parser().parse_args(arguments)
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
        print("llmtrain: interrupted before anything began.", file=sys.stderr)
        return Interrupted.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
