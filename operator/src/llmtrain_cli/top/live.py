"""Shows a job again and again, through scrapes that fail, until its training has ended or somebody has seen enough."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rich.console import Console
from rich.live import Live
from rich.text import Text

from llmtrain_cli.errors import CommandError
from llmtrain_cli.prometheus import JobName, Prometheus
from llmtrain_cli.top.ranks import Answers, NoSeries, ask, rows
from llmtrain_cli.top.screen import WIDE, fitting, headline, screen

ENDED_SECONDS = 90.0
"""So long nobody tells of a job that has done all its steps: longer than a coordinator needs to move."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What was last told, and what has kept the news away since then."""

    answers: Answers
    told_at: float
    """In seconds since 1970."""
    notice: str = ""
    ended: bool = False


def watch(prometheus: Prometheus, of: JobName, first: Answers, clock: Callable[[], float]) -> Iterator[Shown]:
    """Yield what to show, and ask anew for the next; after an end there is no next."""
    shown = Shown(answers=first, told_at=clock())
    while not shown.ended:
        yield shown
        try:
            shown = Shown(answers=ask(prometheus, of), told_at=clock())
        except NoSeries:
            silent = clock() - shown.told_at > ENDED_SECONDS
            shown = _without_news(shown, f"nobody tells of {of.name} now: its coordinator moves, or it has ended")
            shown = replace(shown, ended=silent and _all_done(shown.answers))
        except CommandError as error:
            shown = _without_news(shown, str(error))
    yield shown


def _without_news(shown: Shown, why: str) -> Shown:
    return replace(shown, notice=f"as told at {time.strftime('%H:%M:%S', time.localtime(shown.told_at))}: {why}")


def _all_done(answers: Answers) -> bool:
    step, steps = answers["step"], answers["steps"]
    return bool(step and steps) and step[0].value >= steps[0].value


def top(
    prometheus: Prometheus, of: JobName, *, every_seconds: float, once: bool, console: Console | None = None
) -> None:
    """Show the job until Ctrl-C or its end, or once. BadInput if there is nothing to show at first."""
    console = console or Console()
    if not console.is_terminal:
        console.width = WIDE
    first = ask(prometheus, of)
    if once or not console.is_terminal or console.is_dumb_terminal:
        print_once(of, first, console)
        return
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            for shown in watch(prometheus, of, first, time.time):
                live.update(screen(of, shown.answers, shown.notice, console), refresh=True)
                if not shown.ended:
                    time.sleep(every_seconds)
    except KeyboardInterrupt:
        return
    print_once(of, shown.answers, console)
    console.print(Text(f"{of.name} has ended; `llmtrain report {of.name} -n {of.namespace}` writes a page about it"))


def print_once(of: JobName, answers: Answers, console: Console) -> None:
    """Print the job with all its ranks."""
    console.print(Text(headline(of, answers)), soft_wrap=True)
    console.print(fitting(rows(of, answers), console))
