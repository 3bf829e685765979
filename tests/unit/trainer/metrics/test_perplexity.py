"""Perplexity is the exponential of the loss of a token; bits per byte do not depend on the tokenizer."""

import math

import numpy as np
import pytest
import torch

from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.perplexity import Perplexity
from unit.trainer.metrics.samples import scores_by_partition, weighted_and_repeated

METRIC = Perplexity()


def test_a_model_that_knows_nothing_has_the_perplexity_of_its_vocabulary() -> None:
    table = METRIC.rows([3 * math.log(50), 2 * math.log(50)], [3, 2], [12, 8])
    assert score(METRIC, table) == pytest.approx(
        {"loss": math.log(50), "perplexity": 50, "bitsPerByte": math.log2(50) / 4}
    )


def test_the_loss_is_the_cross_entropy_of_all_tokens() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(9, 20, generator=generator), torch.randint(20, (9,), generator=generator)
    losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none").double()
    table = METRIC.rows([losses[:2].sum().item(), losses[2:].sum().item()], [2, 7], [4, 9])
    assert score(METRIC, table)["loss"] == pytest.approx(losses.mean().item(), rel=1e-12)


def test_a_text_without_known_bytes_has_no_bits_per_byte() -> None:
    assert score(METRIC, METRIC.rows([1.0], [1], [0])).keys() == {"loss", "perplexity"}


def test_a_perplexity_that_is_too_large_for_a_number_is_left_out() -> None:
    assert score(METRIC, METRIC.rows([1000.0], [1], [0])) == {"loss": 1000.0}


def test_a_loss_that_is_not_a_number_is_left_out() -> None:
    assert score(METRIC, METRIC.rows([math.nan, 1.0], [1, 1], [1, 1])) == {}


def test_a_sample_counts_as_often_as_its_weight() -> None:
    rng = np.random.default_rng(1)
    weighted, repeated = weighted_and_repeated(METRIC, METRIC.rows(*rng.exponential(size=(3, 30))))
    assert weighted == [pytest.approx(each) for each in repeated]


def test_scores_are_the_same_bits_at_any_number_of_ranks() -> None:
    rng = np.random.default_rng(0)
    losses, tokens = rng.exponential(size=100) * 30, rng.integers(1, 20, 100)
    assert (
        len(scores_by_partition(METRIC, 100, lambda each: METRIC.rows(losses[each], tokens[each], tokens[each]))) == 1
    )


def test_a_sum_in_another_order_would_not_be_the_same_bits() -> None:
    losses = np.random.default_rng(0).exponential(size=100) * 30
    sums = {float(sum(np.random.default_rng(seed).permutation(losses))).hex() for seed in range(20)}
    assert len(sums) > 1, "the test above would hold without sample numbers"
