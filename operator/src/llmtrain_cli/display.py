"""Shows the progress of a run: a progress bar on a terminal, plain lines elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from llmtrain_api.protocol import CoordinatorStatus, Progress

LINE_INTERVAL_SECONDS = 5.0
"""Minimum time between two plain lines about steps."""


class Display(Protocol):
    """Where a run reports its progress."""

    def note(self, message: str) -> None:
        """Report an event."""

    def show(self, status: CoordinatorStatus) -> None:
        """Report how far the training is."""


class PlainLines:
    """Writes a line for each event and each generation, and at most one every LINE_INTERVAL_SECONDS for steps."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._write, self._clock = write, clock
        self._last_line_at_seconds: float | None = None
        self._generation = 0

    def note(self, message: str) -> None:
        """Write a line."""
        self._write(message)

    def show(self, status: CoordinatorStatus) -> None:
        """Write a line for a new generation, and one for the step if it is the last or the interval has passed."""
        if status.generation != self._generation and status.state == "Training":
            self._generation = status.generation
            self._write(f"generation {status.generation}: {status.joined} of {status.desired} ranks")
        if status.progress and self._is_due(status.progress):
            self._last_line_at_seconds = self._clock()
            self._write(describe(status.progress))

    def _is_due(self, progress: Progress) -> bool:
        last = self._last_line_at_seconds
        return last is None or progress.step == progress.steps or self._clock() - last >= LINE_INTERVAL_SECONDS


class ProgressBar:
    """A line that is redrawn with every step; notes scroll above it."""

    def __init__(self, console: Console, job: str) -> None:
        self._bar = Bar(
            TextColumn(job),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task(job, total=None, figures="")
        self._bar.start()

    def note(self, message: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(message, markup=False, highlight=False)

    def show(self, status: CoordinatorStatus) -> None:
        """Redraw the bar."""
        if status.progress:
            progress = status.progress
            figures = f"loss {progress.loss:.3f}  {progress.tokens_per_second:,.0f} tokens/s"
            self._bar.update(self._task, total=progress.steps, completed=progress.step, figures=figures)

    def close(self) -> None:
        """Stop drawing."""
        self._bar.stop()


@contextlib.contextmanager
def display_for(job: str, *, plain: bool) -> Iterator[Display]:
    """Yield a progress bar on a terminal, plain lines elsewhere or if `plain` is set."""
    console = Console()
    if plain or not console.is_terminal:
        yield PlainLines(lambda line: print(line, flush=True), time.monotonic)
        return
    bar = ProgressBar(console, job)
    try:
        yield bar
    finally:
        bar.close()


def describe(progress: Progress) -> str:
    """Return step, loss, throughput and remaining time in one line."""
    tokens = (progress.steps - progress.step) * progress.tokens / max(progress.step, 1)
    remaining = tokens / progress.tokens_per_second if progress.tokens_per_second else 0.0
    held_out = f"  held out {progress.held_out_loss:.3f}" if progress.held_out_loss is not None else ""
    return (
        f"step {progress.step}/{progress.steps}  loss {progress.loss:.3f}{held_out}  "
        f"{progress.tokens_per_second:,.0f} tokens/s  {remaining:.0f} s left"
    )
