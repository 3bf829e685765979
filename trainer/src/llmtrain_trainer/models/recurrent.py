"""Recurrent networks that read a sequence in both directions: LSTM (Hochreiter & Schmidhuber 1997), GRU (Cho et al. 2014).

Sequences are packed, so a recurrence begins and ends with the tokens of its sequence and never sees padding.

Letters of shape suffixes: B sequences, L positions, D width, E = 2 D states of both directions.
"""

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from llmtrain_api.model_sizes import RecurrentSizes


class RecurrentNetwork(nn.Module):
    """The embedding and the recurrent layers, with uninitialized weights."""

    embedding_std = 1.0
    """The standard deviation of initial embeddings."""

    def __init__(self, layer: type[nn.LSTM] | type[nn.GRU], sizes: RecurrentSizes, vocab_size: int) -> None:
        super().__init__()
        self.output_width = 2 * sizes.width
        """The size of a state of a position."""
        self.embed_tokens = nn.Embedding(vocab_size, sizes.width)
        inputs = [sizes.width, *[self.output_width] * (sizes.layers - 1)]
        self.layers = nn.ModuleList(layer(size, sizes.width, batch_first=True, bidirectional=True) for size in inputs)

    def forward(self, tokens_BL: Tensor, lengths_B: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the states (B, L, E) of all positions; those after the length of a sequence are 0."""
        return self.read(self.embed_tokens(tokens_BL), lengths_B, dropout)

    def read(self, x_BLD: Tensor, lengths_B: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the same of embedded tokens (B, L, D)."""
        x_BLE = x_BLD
        lengths = lengths_B.cpu()
        for layer in self.layers:
            x_BLE = functional.dropout(x_BLE, dropout) if dropout else x_BLE
            packed = pack_padded_sequence(x_BLE, lengths, batch_first=True, enforce_sorted=False)
            states: PackedSequence = layer(packed)[0]
            x_BLE, _ = pad_packed_sequence(states, batch_first=True, total_length=x_BLD.shape[1])
        return functional.dropout(x_BLE, dropout) if dropout else x_BLE
