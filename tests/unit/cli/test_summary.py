"""The summary of a run, whose last line is machine-readable."""

from pathlib import Path

from llmtrain_api.protocol import Progress
from llmtrain_api.termination import ModelInfo
from llmtrain_cli.summary import Summary

MODEL = ModelInfo(
    loss=3.0, perplexity=20.1, unigram_perplexity=300.2, parameters=12345, path="gpt-1/model", sample="def a():\n  pass"
)
LAST = Progress(
    generation=1,
    step=10,
    steps=10,
    loss=2.5,
    learning_rate=0.1,
    gradient_norm=1.0,
    tokens=10_000,
    tokens_per_second=500.0,
    held_out_loss=2.75,
)


def summary(
    *, model: ModelInfo | None = MODEL, last: Progress | None = LAST, first_loss: float | None = 9.0
) -> Summary:
    """Return the summary of a run of 10 steps that took 12 seconds."""
    return Summary(
        job="gpt",
        steps=10,
        model=model,
        output_dir=Path("out/model"),
        seconds=12.3,
        first_loss=first_loss,
        last=last,
    )


def test_a_pretrained_model_is_summarized() -> None:
    assert summary().lines() == [
        "loss      9.000 -> 2.500 nats per token, over 10 steps",
        "held out  perplexity 20.1; unigram baseline 300.2",
        "speed     500 tokens/s",
        "model     out/model (12,345 parameters)",
        "sample",
        "  | def a():",
        "  |   pass",
        "local: gpt Succeeded steps=10 loss=9.000->2.500 perplexity=20.1 unigramPerplexity=300.2 "
        "tokensPerSecond=500 seconds=12",
    ]


def test_a_training_that_an_earlier_run_finished_has_no_speed() -> None:
    assert summary(last=None).lines()[-1].endswith("tokensPerSecond=- seconds=12")


def test_control_characters_of_a_sample_do_not_reach_the_terminal() -> None:
    model = MODEL.model_copy(update={"sample": "red\x1b[31m"})
    assert "  | red\N{REPLACEMENT CHARACTER}[31m" in summary(model=model).lines()


def test_the_summary_of_a_user_program_names_its_output_folder() -> None:
    assert summary(model=None, last=None, first_loss=None).lines() == [
        "output    out/model",
        "local: gpt Succeeded steps=10 loss=- tokensPerSecond=- seconds=12",
    ]
