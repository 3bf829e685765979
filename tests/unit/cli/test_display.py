"""Progress is shown in plain lines, at most one every few seconds."""

from llmtrain_api.protocol import CoordinatorStatus, Progress
from llmtrain_cli.display import PlainLines, describe


def progress(step: int) -> Progress:
    """Return the progress of a training of 10 steps."""
    return Progress(
        generation=1,
        step=step,
        steps=10,
        loss=2.5,
        learning_rate=0.1,
        gradient_norm=1.0,
        tokens=step * 1000,
        tokens_per_second=500.0,
        held_out_loss=2.75,
    )


def status(step: int, generation: int = 1) -> CoordinatorStatus:
    """Return the status of a training of 10 steps on 2 ranks."""
    return CoordinatorStatus(
        state="Training", generation=generation, desired=2, joined=2, members=[], progress=progress(step)
    )


def test_progress_is_described_in_one_line() -> None:
    assert describe(progress(4)) == "step 4/10  loss 2.500  held out 2.750  500 tokens/s  12 s left"


def test_lines_are_rare_but_the_last_step_is_always_shown() -> None:
    lines: list[str] = []
    now = 0.0
    plain = PlainLines(lines.append, lambda: now)
    for step, now in ((1, 0.0), (2, 4.0), (3, 5.0), (4, 6.0), (10, 7.0)):  # noqa: B007 (the clock reads it)
        plain.show(status(step))
    assert [line.split("  ")[0] for line in lines] == [
        "generation 1: 2 of 2 ranks",
        "step 1/10",
        "step 3/10",
        "step 10/10",
    ]


def test_a_new_generation_is_shown() -> None:
    lines: list[str] = []
    plain = PlainLines(lines.append, lambda: 0.0)
    plain.show(status(1))
    plain.show(status(1, generation=2))
    assert lines[-1] == "generation 2: 2 of 2 ranks"
