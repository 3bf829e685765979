"""A network for labelled sequences: a body that reads a sequence, and a linear layer on its states.

Letters of shape suffixes: B sequences, L positions, E states.
"""

from collections.abc import Callable, Mapping
from typing import cast

from torch import Tensor, nn

from llmtrain_api.job import ModelSpec
from llmtrain_api.model_sizes import EncoderSizes, RecurrentSizes, encoder_sizes, recurrent_sizes
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.encoder import Encoder
from llmtrain_trainer.models.init_weights import init_weights
from llmtrain_trainer.models.pooling import Pooling
from llmtrain_trainer.models.recurrent import RecurrentNetwork

Body = Encoder | RecurrentNetwork
"""What reads the sequence."""
Sizes = RecurrentSizes
"""The sizes of a body; an encoder has heads in addition."""


class Classifier(nn.Module):
    """The whole network, with uninitialized weights."""

    def __init__(self, body: Body, pooling: Pooling, outputs: int) -> None:
        super().__init__()
        self.body, self.pooling = body, pooling
        self.head = nn.Linear(body.output_width, outputs)

    def forward(self, tokens_BL: Tensor, lengths_B: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the outputs of each sequence (B, outputs), or of each token (B, L, outputs), in float32.

        Tokens from the length of a sequence on are padding, without influence on what belongs to its tokens.
        """
        return self._outputs(self.body(tokens_BL, lengths_B, dropout), lengths_B)

    def embed(self, tokens_BL: Tensor) -> Tensor:
        """Return the embedded tokens (B, L, D), which `read` takes."""
        embedded: Tensor = self.body.embed_tokens(tokens_BL)
        return embedded

    def read(self, x_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the outputs of embedded tokens (B, L, D), without dropout."""
        return self._outputs(self.body.read(x_BLD, lengths_B), lengths_B)

    def _outputs(self, states_BLE: Tensor, lengths_B: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.pooling(states_BLE, lengths_B))
        return outputs.float()

    def init_weights(self, seed: int) -> None:
        """Set the initial weights, a function of the seed and each tensor's name."""
        init_weights(self, seed, len(self.body.layers), embedding_std=self.body.embedding_std)


def sizes_for(spec: ModelSpec) -> Sizes:
    """Return the sizes that `spec` asks for. BadInput if they do not fit together, or it reads no labelled sequences."""
    if spec.name not in BODIES:
        raise BadInput(f"spec.model.name: {spec.name} can't learn from records; set it to {', '.join(sorted(BODIES))}")
    if spec.name != "encoder":
        return recurrent_sizes(spec)
    sizes = encoder_sizes(spec)
    if sizes.width % sizes.heads:
        raise BadInput(
            f"spec.model.width: {sizes.width} can't be shared evenly by {sizes.heads} heads; take a multiple of {sizes.heads}"
        )
    return sizes


def build_classifier(name: str, sizes: Sizes, *, vocab_size: int, pooling: Pooling, outputs: int) -> Classifier:
    """Return the network of an architecture."""
    return Classifier(BODIES[name](sizes, vocab_size), pooling, outputs)


BODIES: Mapping[str, Callable[[Sizes, int], Body]] = {
    "encoder": lambda sizes, vocab_size: Encoder(cast(EncoderSizes, sizes), vocab_size),
    "lstm": lambda sizes, vocab_size: RecurrentNetwork(nn.LSTM, sizes, vocab_size),
    "gru": lambda sizes, vocab_size: RecurrentNetwork(nn.GRU, sizes, vocab_size),
}
"""By the name of the architecture."""
