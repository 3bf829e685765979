"""A decoder of the Llama family (Touvron et al. 2023), with its tensors named as Hugging Face names them.

Rotary positions (Su et al. 2021), RMSNorm (Zhang & Sennrich 2019), SwiGLU (Shazeer 2020), grouped-query
attention (Ainslie et al. 2023), the output layer tied to the embedding.

Letters of shape suffixes: B sequences, L positions, D width, F hidden, H heads, G key/value heads, K head width,
V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtrain_trainer.models.config import GPTConfig

ROTARY_BASE = 10000.0
NORM_EPSILON = 1e-5


class Linear(nn.Module):
    """A linear map without bias; its weight is left empty, for `initial.py` or a checkpoint to fill."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return x · weightᵀ."""
        return functional.linear(x_BLD, self.weight)


class RMSNorm(nn.Module):
    """RMSNorm: scales each position to unit mean square, in float32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return the scaled positions."""
        wide = x_BLD.float()
        scaled = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + NORM_EPSILON)
        return (self.weight * scaled).to(x_BLD.dtype)


class Attention(nn.Module):
    """Causal self-attention with rotary positions; query heads share key and value heads."""

    def __init__(self, shape: GPTConfig) -> None:
        super().__init__()
        self.head_width, self.kv_groups = shape.head_width, shape.heads // shape.kv_heads
        self.q_proj = Linear(shape.width, shape.width)
        self.k_proj = Linear(shape.width, shape.kv_heads * shape.head_width)
        self.v_proj = Linear(shape.width, shape.kv_heads * shape.head_width)
        self.o_proj = Linear(shape.width, shape.width)

    def forward(self, x_BLD: Tensor, rotation: "RotaryEmbedding") -> Tensor:
        """Return what each position takes from itself and those before it."""
        q_BHLK = rotation.apply(self._heads(self.q_proj(x_BLD)))
        k_BHLK = self._shared(rotation.apply(self._heads(self.k_proj(x_BLD))))
        v_BHLK = self._shared(self._heads(self.v_proj(x_BLD)))
        y_BHLK = functional.scaled_dot_product_attention(q_BHLK, k_BHLK, v_BHLK, is_causal=True)
        result: Tensor = self.o_proj(y_BHLK.transpose(1, 2).flatten(2))
        return result

    def _heads(self, x_BLD: Tensor) -> Tensor:
        return x_BLD.view(*x_BLD.shape[:2], -1, self.head_width).transpose(1, 2)

    def _shared(self, x_BGLK: Tensor) -> Tensor:
        return x_BGLK if self.kv_groups == 1 else x_BGLK.repeat_interleave(self.kv_groups, dim=1)


class FeedForward(nn.Module):
    """SwiGLU: a gated inner layer."""

    def __init__(self, shape: GPTConfig) -> None:
        super().__init__()
        self.gate_proj = Linear(shape.width, shape.hidden)
        self.up_proj = Linear(shape.width, shape.hidden)
        self.down_proj = Linear(shape.hidden, shape.width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return each position transformed on its own."""
        result: Tensor = self.down_proj(functional.silu(self.gate_proj(x_BLD)) * self.up_proj(x_BLD))
        return result


class Block(nn.Module):
    """Attention, then feed-forward, each added to the residual stream."""

    def __init__(self, shape: GPTConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(shape.width)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = RMSNorm(shape.width)
        self.mlp = FeedForward(shape)

    def forward(self, x_BLD: Tensor, rotation: "RotaryEmbedding", dropout: float) -> Tensor:
        """Return the residual stream after this block."""
        x_BLD = x_BLD + drop(self.self_attn(self.input_layernorm(x_BLD), rotation), dropout)
        result: Tensor = x_BLD + drop(self.mlp(self.post_attention_layernorm(x_BLD)), dropout)
        return result


def drop(x_BLD: Tensor, fraction: float) -> Tensor:
    """Return `x_BLD` with a random fraction of it zero and the rest larger (Srivastava et al. 2014)."""
    return functional.dropout(x_BLD, fraction) if fraction else x_BLD


class Decoder(nn.Module):
    """Embedding, blocks and the last norm."""

    def __init__(self, shape: GPTConfig) -> None:
        super().__init__()
        self.embed_tokens = Linear(shape.width, shape.vocab_size)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width)


class GPT(nn.Module):
    """The whole network, on empty weights."""

    def __init__(self, shape: GPTConfig) -> None:
        super().__init__()
        self.shape = shape
        self.model = Decoder(shape)

    def forward(self, tokens_BL: Tensor, dropout: float = 0.0) -> Tensor:
        """Return logits (B, L, V): at each position, for the token after it. Training may drop a fraction."""
        x_BLD = drop(functional.embedding(tokens_BL, self.model.embed_tokens.weight), dropout)
        rotation = RotaryEmbedding(tokens_BL.shape[1], self.shape.head_width, tokens_BL.device)
        for block in self.model.layers:
            x_BLD = block(x_BLD, rotation, dropout)
        logits: Tensor = self.model.embed_tokens(self.model.norm(x_BLD))
        return logits

    def loss(self, tokens_BM: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the sum over all positions of the loss in nats. Windows (B, L + 1) hold inputs and their nexts."""
        logits_BLV = self(tokens_BM[:, :-1], dropout)
        return functional.cross_entropy(logits_BLV.flatten(0, 1).float(), tokens_BM[:, 1:].flatten(), reduction="sum")


class RotaryEmbedding:
    """Angles of rotary positions: pairs (i, i + K/2) of a head turn by position / base^(2i/K)."""

    def __init__(self, length: int, head_width: int, device: torch.device) -> None:
        exponents = torch.arange(0, head_width, 2, device=device, dtype=torch.float32) / head_width
        angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), ROTARY_BASE**-exponents)
        self.cos_LK = torch.cat((angles, angles), dim=-1).cos()
        self.sin_LK = torch.cat((angles, angles), dim=-1).sin()

    def apply(self, x_BHLK: Tensor) -> Tensor:
        """Return queries or keys turned by their positions."""
        first, second = x_BHLK.chunk(2, dim=-1)
        turned = x_BHLK * self.cos_LK + torch.cat((-second, first), dim=-1) * self.sin_LK
        return turned.to(x_BHLK.dtype)
