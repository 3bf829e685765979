"""Windows cover a context, overlap, and know where the answer is."""

import pytest
from tokenizers import Tokenizer

from llmtrain_trainer.data.question_windows import OVERLAP, is_shortened, question_windows
from llmtrain_trainer.data.questions import Answer, Question
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID, train_tokenizer
from unit.trainer.builders import prose

CONTEXT = prose(60, seed=3) + "caf\u00e9 sits in Oslo"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([prose(400)], 280)


@pytest.mark.parametrize("max_tokens", [16, 17, 40, 1000])
def test_windows_cover_the_context_and_repeat_a_third(tokenizer: Tokenizer, max_tokens: int) -> None:
    question = Question(question="the fox?", context=CONTEXT)
    windows = question_windows(tokenizer, question, max_tokens)
    whole = tokenizer.encode(CONTEXT)
    room = max_tokens - windows[0].first
    position = 0
    for window in windows:
        assert len(window.tokens) <= max_tokens
        assert window.tokens[0] == window.tokens[window.first - 1] == END_OF_TEXT_ID
        assert window.tokens[window.first :] == whole.ids[position : position + room]
        assert window.characters == whole.offsets[position : position + room]
        stop, position = position + room, position + room - int(room * OVERLAP)
    assert stop >= len(whole.ids)
    assert len(windows) == 1 or stop - room < len(whole.ids) - int(room * OVERLAP)


@pytest.mark.parametrize("text", ["Oslo", "caf\u00e9", "sits in Oslo"])
def test_a_span_is_the_tokens_of_the_answer(tokenizer: Tokenizer, text: str) -> None:
    answer = Answer(text, CONTEXT.index(text))
    windows = question_windows(tokenizer, Question(question="where?", context=CONTEXT), 48)
    spans = [(window, window.span(answer)) for window in windows]
    found = [(window, span) for window, span in spans if span != (0, 0)]
    assert len(windows) > len(found) > 0
    for window, (first, last) in found:
        start, stop = window.characters_of(first, last)
        assert CONTEXT[start:stop].strip() == text


def test_a_long_question_leaves_half_of_the_tokens_to_the_context(tokenizer: Tokenizer) -> None:
    question = Question(question=prose(50), context=CONTEXT)
    assert is_shortened(tokenizer, question, 32)
    assert not is_shortened(tokenizer, question, 1000)
    assert {window.first for window in question_windows(tokenizer, question, 32)} == {16}
