"""The summary of a run, whose last line is machine-readable."""

from pathlib import Path

from llmtrain_api.protocol import Progress
from llmtrain_api.termination import ModelInfo, VectorCoverage
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


def test_a_classifier_is_summarized_by_its_scores() -> None:
    scores = {"accuracy": 0.83333, "majorityAccuracy": 0.5}
    lines = summary(model=ModelInfo(loss=0.4, metrics=scores, parameters=99, path="stars-1/model")).lines()
    assert lines[:2] == [
        "loss      9.000 -> 2.500 per sample, over 10 steps",
        "held out  accuracy 0.8333, majorityAccuracy 0.5000",
    ]
    assert "loss=9.000->2.500 accuracy=0.8333 majorityAccuracy=0.5000 tokensPerSecond=500" in lines[-1]


def test_the_summary_says_how_much_of_the_text_has_a_vector() -> None:
    vectors = VectorCoverage(words=0.8127, tokens=0.95)
    line = "vectors   81.3% of the known words and 95.0% of all words to train on have a vector"
    assert line in summary(model=MODEL.model_copy(update={"vectors": vectors})).lines()


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


def test_it_says_that_the_training_stopped_early() -> None:
    ending = "stopped early at step 10 of 20, best at step 6"
    assert f"training  {ending}" in summary(model=MODEL.model_copy(update={"ending": ending})).lines()
