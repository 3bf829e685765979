"""What is told while a job trains, and at its end."""

from pathlib import Path

from llmtrain_api.protocol import CoordinatorStatus, Progress
from llmtrain_api.termination import ModelInfo
from llmtrain_cli.display import PlainLines, describe
from llmtrain_cli.summary import Summary

MODEL = ModelInfo(
    loss=3.0, perplexity=20.1, unigram_perplexity=300.2, parameters=12345, path="gpt-1/model", sample="def a():\n  pass"
)


def progress(step: int) -> Progress:
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
    return CoordinatorStatus(
        state="Training", generation=generation, desired=2, joined=2, members=[], progress=progress(step)
    )


def test_progress_in_one_line() -> None:
    assert describe(progress(4)) == "step 4/10  loss 2.500  held out 2.750  500 tokens/s  12 s left"


def test_plain_lines_are_seldom_but_the_last_step_is_told() -> None:
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


def test_a_new_generation_is_told() -> None:
    lines: list[str] = []
    plain = PlainLines(lines.append, lambda: 0.0)
    plain.show(status(1))
    plain.show(status(1, generation=2))
    assert lines[-1] == "generation 2: 2 of 2 ranks"


def test_the_summary_tells_what_came_of_it() -> None:
    summary = Summary(
        job="gpt",
        steps=10,
        model=MODEL,
        folder=Path("out/model"),
        seconds=12.3,
        first_loss=9.0,
        last=progress(10),
    )
    assert summary.lines() == [
        "loss      9.000 -> 2.500 nats a token, over 10 steps",
        "held out  perplexity 20.1; by token frequencies alone 300.2",
        "speed     500 tokens/s",
        "model     out/model (12,345 parameters)",
        "sample",
        "  | def a():",
        "  |   pass",
        "local: gpt Succeeded steps=10 loss=9.000->2.500 perplexity=20.1 unigramPerplexity=300.2 "
        "tokensPerSecond=500 seconds=12",
    ]


def test_a_job_that_was_trained_before_has_no_speed() -> None:
    summary = Summary(job="gpt", steps=10, model=MODEL, folder=Path("out/model"), seconds=2, first_loss=9.0, last=None)
    assert summary.lines()[-1].endswith("tokensPerSecond=- seconds=2")


def test_a_sample_does_not_steer_the_terminal() -> None:
    model = MODEL.model_copy(update={"sample": "red\x1b[31m"})
    summary = Summary(job="gpt", steps=10, model=model, folder=Path("m"), seconds=2, first_loss=9.0, last=None)
    assert "  | red\N{REPLACEMENT CHARACTER}[31m" in summary.lines()


def test_the_summary_of_a_program_says_where_its_output_is() -> None:
    summary = Summary(job="own", steps=10, model=None, folder=Path("out"), seconds=2, first_loss=None, last=None)
    assert summary.lines() == [
        "output    out",
        "local: own Succeeded steps=10 loss=- tokensPerSecond=- seconds=2",
    ]
