"""Scores of masked tokens are sums over tokens, not means over samples."""

import math

import pytest

from llmtrain_trainer.metrics.masked import MaskedTokens
from llmtrain_trainer.metrics.metric import score

METRIC = MaskedTokens()


def test_scores_count_tokens() -> None:
    table = METRIC.rows([3 * math.log(50), math.log(2)], [3, 1], [1, 1])
    loss = (3 * math.log(50) + math.log(2)) / 4
    assert score(METRIC, table) == pytest.approx({"loss": loss, "perplexity": math.exp(loss), "accuracy": 0.5})


def test_without_chosen_tokens_there_is_no_score() -> None:
    assert score(METRIC, METRIC.rows([0.0], [0], [0])) == {}
