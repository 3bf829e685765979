"""Only the first token of a word is learned, judged and answered."""

import math

import numpy as np
import pytest
import torch

from llmtrain_trainer.data.cached_encoding import CachedEncoding
from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.data.tagged_words import NOT_LEARNED
from llmtrain_trainer.data.tokenizer import train_tokenizer
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.training.objective import Input
from llmtrain_trainer.training.tagging import TaggingObjective
from unit.trainer.builders import prose

OBJECTIVE = TaggingObjective(LabelSet(names=("B-X", "O")))
TARGETS = torch.tensor([[0, NOT_LEARNED, 1], [1, NOT_LEARNED, NOT_LEARNED]])
OUTPUTS = torch.tensor([[[9.0, 0.0], [0.0, 9.0], [9.0, 0.0]], [[0.0, 9.0], [9.0, 0.0], [9.0, 0.0]]])


def test_the_loss_has_a_term_for_each_word() -> None:
    losses, terms = OBJECTIVE.losses(torch.zeros(2, 3, 2), TARGETS)
    assert losses.tolist() == pytest.approx([2 * math.log(2), math.log(2)])
    assert terms.tolist() == [2, 1]


def test_other_tokens_get_no_gradient() -> None:
    outputs = OUTPUTS.clone().requires_grad_()
    OBJECTIVE.losses(outputs, TARGETS)[0].sum().backward()
    assert outputs.grad is not None
    assert outputs.grad.any(-1).tolist() == [[True, False, True], [True, False, False]]


def test_scores_are_of_words_and_entities() -> None:
    scores = score(OBJECTIVE.metric, OBJECTIVE.rows(OUTPUTS, TARGETS))
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert (scores["entityPrecision"], scores["entityRecall"]) == (0.5, 1)


def test_the_answer_has_a_tag_for_each_word_of_all_sequences() -> None:
    tokens = np.zeros(3, dtype=np.uint16)
    answers = OBJECTIVE.answers(OUTPUTS, [Input(tokens, [0, 2]), Input(tokens[:1], [0])])
    assert OBJECTIVE.merge(answers) == {"prediction": ["B-X", "B-X", "O"]}


def test_a_long_sentence_is_read_in_sequences_of_whole_words() -> None:
    encoding = CachedEncoding(tokenizer=train_tokenizer([prose(400)], 280), dtype=np.dtype("<u2"))
    text = "the quick unfathomable the fox"
    parts = OBJECTIVE.inputs(encoding, text, 6)
    assert len(parts) > 1
    assert sum(len(part.words) for part in parts) == 5
    assert all(0 < len(part.tokens) <= 6 and part.words[0] == 0 for part in parts)
    (whole,) = OBJECTIVE.inputs(encoding, text, 100)
    assert whole.words == [0, *np.cumsum([len(encoding.encode(f" {word}")) // 2 for word in text.split()])[:-1]]
