import json
import math
import random

import pytest

from llmtrain_api.termination import MAX_BYTES, MAX_FINDING, DatasetInfo, ModelInfo, TerminationMessage, signal_name


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
    assert TerminationMessage.from_message('{"reason": 5}') is None
    assert TerminationMessage.from_message("[]") is None


def test_an_unknown_reason_of_a_newer_image_is_a_crash() -> None:
    read = TerminationMessage.from_message('{"reason": "Bored", "message": "m"}')
    assert read is not None
    assert (read.reason, read.message) == ("Crashed", "m")


def test_a_signal_without_a_name_is_named_by_its_number() -> None:
    assert (signal_name(9), signal_name(40)) == ("SIGKILL", "signal 40")


def test_a_model_that_diverged_is_reported() -> None:
    model = ModelInfo(loss=math.nan, perplexity=math.inf, unigram_perplexity=2.0, parameters=1, path="job/model")
    read = TerminationMessage.from_message(TerminationMessage(reason="Completed", model=model).to_message())
    assert read is not None
    assert read.model is not None
    assert (repr(read.model.loss), read.model.perplexity) == ("nan", math.inf)


def test_the_fields_of_a_newer_image_are_ignored() -> None:
    dataset = DatasetInfo(id="d1", tokens=1, held_out_tokens=1, vocab_size=1, unigram_loss=1.0)
    document = json.loads(TerminationMessage(reason="Completed", dataset=dataset).to_message())
    newer = {**document, "new": 1, "dataset": {**document["dataset"], "new": 1}}
    read = TerminationMessage.from_message(json.dumps(newer))
    assert read is not None
    assert read.dataset == dataset


def test_what_is_wrong_with_the_text_is_printable_and_bounded() -> None:
    dataset = {"id": "d1", "tokens": 1, "heldOutTokens": 1, "vocabSize": 1, "unigramLoss": 1}
    found = {"firstFinding": "'\x1b[31ma\nb'" + "x" * 999, "replacedBytes": -1, "leftOut": 10**30}
    read = TerminationMessage.from_message(json.dumps({"reason": "Completed", "dataset": dataset | found}))
    assert read is not None
    assert read.dataset is not None
    assert read.dataset.first_finding == "'a b'" + "x" * (MAX_FINDING - 5)
    assert (read.dataset.replaced_bytes, read.dataset.left_out) == (0, 2**53 - 1)


@pytest.mark.parametrize("id", ["x" * 65, "", "../x", "--help", "a b"])
def test_an_id_that_cannot_name_a_directory_is_no_dataset(id: str) -> None:
    dataset = {"id": id, "tokens": 1, "heldOutTokens": 1, "vocabSize": 1, "unigramLoss": 1}
    read = TerminationMessage.from_message(json.dumps({"reason": "Completed", "message": "m", "dataset": dataset}))
    assert read is not None
    assert (read.message, read.dataset) == ("m", None)


@pytest.mark.parametrize("text", ["null", "[]", "3", "[" * 3000, '{"reason": "Completed", "lastLines": [1]}'])
def test_json_of_another_shape_is_no_termination_message(text: str) -> None:
    assert TerminationMessage.from_message(text) is None


def test_the_texts_are_printable() -> None:
    written = TerminationMessage(reason="Crashed", message="\x1b[31mred", last_lines=["a\x07", "b\nc"])
    read = TerminationMessage.from_message(written.to_message())
    assert read is not None
    assert (read.message, read.last_lines) == ("red", ["a", "b c"])


@pytest.mark.parametrize(("reported", "read"), [(10**30, 2**31 - 1), (-(10**400), 1 - 2**31), (-9, -9), (None, None)])
def test_an_exit_code_is_one_that_a_status_can_hold(reported: int | None, read: int | None) -> None:
    message = TerminationMessage.from_message(json.dumps({"reason": "Crashed", "exitCode": reported}))
    assert message is not None
    assert message.exit_code == read


ALPHABETS = {
    "ASCII": "abc ",
    "Chinese": "\u5b57",
    "replacement characters": "\ufffd",
    "emoji": "\U0001f600",
    "control characters": "\x1b\x00",
    "quotes and backslashes": '"\\',
    "cuneiform with line ends": "\U00012000\n",
}


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_any_text_fits_and_the_model_is_kept(alphabet: str) -> None:
    generator = random.Random(alphabet)

    def text(length: int) -> str:
        return "".join(generator.choices(alphabet, k=length))

    for _ in range(50):
        model = ModelInfo(
            loss=3.1234567890123456,
            perplexity=22.71234567890123,
            unigram_perplexity=345.1234567890123,
            parameters=123456789,
            path="a" * 51 + "-12345678/model",
            sha256="a" * 64,
            sample=text(generator.randrange(1201)),
        )
        written = TerminationMessage(
            reason="Completed",
            message=text(generator.choice([0, 20, 3000])),
            last_lines=[text(generator.randrange(600)) for _ in range(generator.randrange(21))],
            model=model,
        ).to_message()
        assert len(written.encode()) <= MAX_BYTES
        read = TerminationMessage.from_message(written)
        assert read is not None
        assert read.model is not None
        assert model.sample.startswith(read.model.sample[:100])


def test_what_cannot_be_shortened_is_left_out() -> None:
    model = ModelInfo(loss=1.0, perplexity=2.0, unigram_perplexity=3.0, parameters=1, path="x" * 5000)
    read = TerminationMessage.from_message(TerminationMessage(reason="Completed", model=model).to_message())
    assert read == TerminationMessage(reason="Completed")


def test_what_utf8_cannot_encode_is_replaced() -> None:
    """As in the error of a file whose name is not UTF-8."""
    message = TerminationMessage(reason="Crashed", message="file-\udcff", last_lines=["at file-\udcff"])
    read = TerminationMessage.from_message(message.to_message())
    assert read == TerminationMessage(reason="Crashed", message="file-?", last_lines=["at file-?"])
