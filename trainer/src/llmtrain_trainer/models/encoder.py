"""A small Transformer encoder (Vaswani et al. 2017): every position attends to every other one that is not padding.

The embedding is multiplied by the root of the width, sinusoidal positions are added, and norms come before attention and
feed-forward network (Xiong et al. 2020), which trains without a long warm-up.

Letters of shape suffixes: B sequences, L positions, D width, H heads, K head width, V vocabulary.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtrain_api.model_sizes import EncoderSizes

POSITION_BASE = 10000.0
HIDDEN_FACTOR = 4
"""Inner size of the feed-forward network, as a multiple of the width."""


class Encoder(nn.Module):
    """The embedding, the blocks and the final norm, with uninitialized weights."""

    def __init__(self, sizes: EncoderSizes, vocab_size: int) -> None:
        super().__init__()
        self.output_width = sizes.width
        """The size of a state of a position."""
        self.embed_tokens = nn.Embedding(vocab_size, sizes.width)
        self.layers = nn.ModuleList(Block(sizes) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(sizes.width)

    @property
    def embedding_std(self) -> float:
        """The standard deviation of initial embeddings: 1 after they are multiplied by the root of the width."""
        return float(self.embed_tokens.weight.shape[1] ** -0.5)

    def forward(self, tokens_BL: Tensor, lengths_B: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the states (B, L, D) of all positions; those after the length of a sequence say nothing."""
        return self.read(self.embed_tokens(tokens_BL), lengths_B, dropout)

    def read(self, x_BLD: Tensor, lengths_B: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the same of embedded tokens (B, L, D)."""
        width, length = self.output_width, x_BLD.shape[1]
        x_BLD = x_BLD * math.sqrt(width) + positions(length, width, x_BLD.device)
        x_BLD = functional.dropout(x_BLD, dropout) if dropout else x_BLD
        is_token_BL = torch.arange(length, device=x_BLD.device) < lengths_B[:, None]
        for block in self.layers:
            x_BLD = block(x_BLD, is_token_BL[:, None, None, :], dropout)
        result: Tensor = self.norm(x_BLD)
        return result


class Block(nn.Module):
    """One block: attention, then feed-forward, each added to the residual stream."""

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.attention_norm = nn.LayerNorm(sizes.width)
        self.qkv_proj = nn.Linear(sizes.width, 3 * sizes.width)
        self.o_proj = nn.Linear(sizes.width, sizes.width)
        self.feed_forward_norm = nn.LayerNorm(sizes.width)
        self.up_proj = nn.Linear(sizes.width, HIDDEN_FACTOR * sizes.width)
        self.down_proj = nn.Linear(HIDDEN_FACTOR * sizes.width, sizes.width)

    def forward(self, x_BLD: Tensor, is_token_B11L: Tensor, dropout: float) -> Tensor:
        """Return the residual stream (B, L, D) after this block."""
        x_BLD = x_BLD + self._dropout(self._attention(self.attention_norm(x_BLD), is_token_B11L), dropout)
        hidden = functional.gelu(self.up_proj(self.feed_forward_norm(x_BLD)))
        return x_BLD + self._dropout(self.down_proj(hidden), dropout)

    def _attention(self, x_BLD: Tensor, is_token_B11L: Tensor) -> Tensor:
        q_BHLK, k_BHLK, v_BHLK = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv_proj(x_BLD).chunk(3, dim=-1)
        )
        y_BHLK = functional.scaled_dot_product_attention(q_BHLK, k_BHLK, v_BHLK, attn_mask=is_token_B11L)
        result: Tensor = self.o_proj(y_BHLK.transpose(1, 2).flatten(2))
        return result

    def _dropout(self, x_BLD: Tensor, probability: float) -> Tensor:
        return functional.dropout(x_BLD, probability) if probability else x_BLD


def positions(length: int, width: int, device: torch.device) -> Tensor:
    """Return sinusoidal position embeddings (L, D): sines in even columns, cosines in odd ones."""
    exponents = torch.arange(0, width, 2, device=device, dtype=torch.float32) / width
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), POSITION_BASE**-exponents)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, :width]
