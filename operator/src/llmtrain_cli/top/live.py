"""Shows a job in a loop that survives failed queries, until its training has ended or Ctrl-C."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rich.console import Console
from rich.live import Live
from rich.text import Text

from llmtrain_cli.errors import CommandError
from llmtrain_cli.prometheus import JobName, Prometheus
from llmtrain_cli.top.ranks import Answers, NoSeries, ask, rows
from llmtrain_cli.top.screen import UNLIMITED_WIDTH, fitting, headline, screen

ENDED_SECONDS = 90.0
"""A job without series for this long has ended if its last step was done: a coordinator moves in less time."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The newest answers, and why there are no newer ones."""

    answers: Answers
    answered_at: float
    """In seconds since 1970."""
    notice: str = ""
    ended: bool = False


def follow(prometheus: Prometheus, job_name: JobName, first: Answers, clock: Callable[[], float]) -> Iterator[Shown]:
    """Yield what to show; each step queries Prometheus again. The iterator ends with the training."""
    shown = Shown(answers=first, answered_at=clock())
    while not shown.ended:
        yield shown
        try:
            shown = Shown(answers=ask(prometheus, job_name), answered_at=clock())
        except NoSeries:
            silent = clock() - shown.answered_at > ENDED_SECONDS
            shown = _stale(shown, f"no current metrics of {job_name.name}: its coordinator is moving, or it has ended")
            shown = replace(shown, ended=silent and _all_steps_done(shown.answers))
        except CommandError as error:
            shown = _stale(shown, str(error))
    yield shown


def _stale(shown: Shown, reason: str) -> Shown:
    since = time.strftime("%H:%M:%S", time.localtime(shown.answered_at))
    return replace(shown, notice=f"not updated since {since}: {reason}")


def _all_steps_done(answers: Answers) -> bool:
    step, steps = answers["step"], answers["steps"]
    return bool(step and steps) and step[0].value >= steps[0].value


def top(
    prometheus: Prometheus, job_name: JobName, *, interval_seconds: float, once: bool, console: Console | None = None
) -> None:
    """Show the job until Ctrl-C or the end of its training; only once if `once` is set or there is no terminal.

    BadInput if the job has no metrics at first.
    """
    console = console or Console()
    if not console.is_terminal:
        console.width = UNLIMITED_WIDTH
    first = ask(prometheus, job_name)
    if once or not console.is_terminal or console.is_dumb_terminal:
        print_once(job_name, first, console)
        return
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            for shown in follow(prometheus, job_name, first, time.time):
                live.update(screen(job_name, shown.answers, shown.notice, console), refresh=True)
                if not shown.ended:
                    time.sleep(interval_seconds)
    except KeyboardInterrupt:
        return
    print_once(job_name, shown.answers, console)
    name, namespace = job_name.name, job_name.namespace
    console.print(Text(f"{name} has ended; `llmtrain report {name} -n {namespace}` writes a report of its training"))


def print_once(job_name: JobName, answers: Answers, console: Console) -> None:
    """Print the job with all its ranks."""
    console.print(Text(headline(job_name, answers)), soft_wrap=True)
    console.print(fitting(rows(job_name, answers), console))
