import math

from llmtrain_api.termination import MAX_BYTES, ModelInfo, TerminationMessage, signal_name


def test_a_message_is_read_as_it_was_written() -> None:
    written = TerminationMessage(reason="Crashed", message="killed by SIGKILL", last_lines=["a", "b"], exit_code=-9)
    assert TerminationMessage.from_message(written.to_message()) == written


def test_the_oldest_lines_are_dropped_first() -> None:
    written = TerminationMessage(reason="Crashed", last_lines=[f"{number:04d}" + "x" * 500 for number in range(20)])
    read = TerminationMessage.from_message(written.to_message())
    assert read is not None
    assert 0 < len(read.last_lines) < 20
    assert read.last_lines[-1].startswith("0019")


def test_the_text_never_exceeds_the_limit() -> None:
    written = TerminationMessage(reason="Crashed", message="é" * 10_000, last_lines=["line"])
    assert len(written.to_message().encode()) <= MAX_BYTES


def test_other_text_is_not_a_termination_message() -> None:
    assert TerminationMessage.from_message("Killed") is None
    assert TerminationMessage.from_message('{"reason": "Bored"}') is None


def test_a_signal_without_a_name_is_named_by_its_number() -> None:
    assert (signal_name(9), signal_name(40)) == ("SIGKILL", "signal 40")


def test_a_model_that_diverged_is_reported() -> None:
    model = ModelInfo(loss=math.nan, perplexity=math.inf, unigram_perplexity=2.0, parameters=1, path="job/model")
    read = TerminationMessage.from_message(TerminationMessage(reason="Completed", model=model).to_message())
    assert read is not None
    assert read.model is not None
    assert (repr(read.model.loss), read.model.perplexity) == ("nan", math.inf)
