"""The mean of states leaves padding out; other states stay as they are."""

import torch

from llmtrain_trainer.models.pooling import each_state, mean_state

STATES = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [70.0, 80.0]]])
LENGTHS = torch.tensor([2, 1])


def test_the_mean_is_that_of_the_tokens() -> None:
    assert mean_state(STATES, LENGTHS).tolist() == [[2.0, 3.0], [5.0, 6.0]]


def test_each_token_keeps_its_state() -> None:
    assert torch.equal(each_state(STATES, LENGTHS), STATES)
