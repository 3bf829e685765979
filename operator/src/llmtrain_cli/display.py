"""Shows how far a run is: a progress bar on a terminal, plain lines elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from llmtrain_api.protocol import CoordinatorStatus, Progress

QUIET_SECONDS = 5.0
"""Time between two plain lines about steps."""


class Display(Protocol):
    """What a run tells whoever watches."""

    def note(self, sentence: str) -> None:
        """Say that something happened."""

    def show(self, status: CoordinatorStatus) -> None:
        """Show how far the training is."""


class PlainLines:
    """One line an event, and one every few seconds for the steps."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._write, self._clock = write, clock
        self._said_at_seconds: float | None = None
        self._generation = 0

    def note(self, sentence: str) -> None:
        """Write a line."""
        self._write(sentence)

    def show(self, status: CoordinatorStatus) -> None:
        """Write a line if the generation is new, the training over, or nothing was said for a while."""
        if status.generation != self._generation and status.state == "Training":
            self._generation = status.generation
            self._write(f"generation {status.generation}: {status.joined} of {status.desired} ranks")
        if status.progress and self._is_due(status.progress):
            self._said_at_seconds = self._clock()
            self._write(describe(status.progress))

    def _is_due(self, progress: Progress) -> bool:
        said = self._said_at_seconds
        return said is None or progress.step == progress.steps or self._clock() - said >= QUIET_SECONDS


class ProgressBar:
    """A line that is drawn anew with every step; notes scroll by above it."""

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

    def note(self, sentence: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(sentence, markup=False, highlight=False)

    def show(self, status: CoordinatorStatus) -> None:
        """Draw the bar."""
        if status.progress:
            progress = status.progress
            figures = f"loss {progress.loss:.3f}  {progress.tokens_per_second:,.0f} tokens/s"
            self._bar.update(self._task, total=progress.steps, completed=progress.step, figures=figures)

    def close(self) -> None:
        """Stop drawing."""
        self._bar.stop()


@contextlib.contextmanager
def display_for(job: str, *, plain: bool) -> Iterator[Display]:
    """Give the display that suits where the output goes."""
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
    """Return how far the training is, in one line."""
    seconds = (progress.steps - progress.step) * progress.tokens / max(progress.step, 1)
    eta = seconds / progress.tokens_per_second if progress.tokens_per_second else 0.0
    held_out = f"  held out {progress.held_out_loss:.3f}" if progress.held_out_loss is not None else ""
    return (
        f"step {progress.step}/{progress.steps}  loss {progress.loss:.3f}{held_out}  "
        f"{progress.tokens_per_second:,.0f} tokens/s  {eta:.0f} s left"
    )
