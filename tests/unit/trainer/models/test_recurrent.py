"""A recurrent network reads each sequence as if it were alone."""

import pytest
import torch
from torch import nn

from llmtrain_api.model_sizes import RecurrentSizes
from llmtrain_trainer.models.init_weights import init_weights
from llmtrain_trainer.models.recurrent import RecurrentNetwork


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU])
def test_each_sequence_is_read_as_if_it_were_alone(layer: type[nn.LSTM] | type[nn.GRU]) -> None:
    model = RecurrentNetwork(layer, RecurrentSizes(layers=2, width=8), vocab_size=50)
    init_weights(model, 3, 2, embedding_std=1.0)
    tokens = torch.randint(50, (3, 9), generator=torch.Generator().manual_seed(1))
    states = model(tokens, torch.tensor([4, 9, 1]))
    assert states.shape == (3, 9, 16)
    for row, length in enumerate([4, 9, 1]):
        x = model.embed_tokens(tokens[row : row + 1, :length])
        for part in model.layers:
            x, _ = part(x)
        torch.testing.assert_close(states[row, :length], x[0])
        assert not states[row, length:].any()
