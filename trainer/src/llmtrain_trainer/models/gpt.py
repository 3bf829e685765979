"""A decoder of the Llama family (Touvron et al. 2023). Its tensors have the names that Hugging Face gives them.

It uses rotary position embeddings (RoPE; Su et al. 2021), RMSNorm (Zhang & Sennrich 2019), SwiGLU (Shazeer 2020) and
grouped-query attention (Ainslie et al. 2023). The weights of the output layer are tied to the embedding.

Letters of shape suffixes: B sequences, L positions, D width, F hidden, H heads, G key/value heads, K head width,
V vocabulary, M = L + 1 tokens of a window.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtrain_trainer.models.config import GPTConfig

ROTARY_BASE = 10000.0
NORM_EPSILON = 1e-5
NO_TOKEN = -100
"""A target that no token is: the default of PyTorch's `ignore_index`."""


class Linear(nn.Module):
    """A linear layer without bias. Its weight is uninitialized until `init_weights` or a checkpoint sets it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return x · weightᵀ: (..., inputs) to (..., outputs)."""
        return functional.linear(x_BLD, self.weight)


class RMSNorm(nn.Module):
    """Root mean square normalization: scales each position to unit mean square, in float32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return `x_BLD` scaled, in the same type."""
        wide = x_BLD.float()
        scaled = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + NORM_EPSILON)
        return (self.weight * scaled).to(x_BLD.dtype)


class Attention(nn.Module):
    """Causal self-attention with rotary position embeddings. Groups of query heads share a key and a value head."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.head_width, self.kv_groups = config.head_width, config.heads // config.kv_heads
        self.q_proj = Linear(config.width, config.width)
        self.k_proj = Linear(config.width, config.kv_heads * config.head_width)
        self.v_proj = Linear(config.width, config.kv_heads * config.head_width)
        self.o_proj = Linear(config.width, config.width)

    def forward(self, x_BLD: Tensor, rotary: "RotaryEmbedding") -> Tensor:
        """Return (B, L, D): for each position, the attention output over itself and the positions before it."""
        q_BHLK = rotary.apply(self._heads(self.q_proj(x_BLD)))
        k_BHLK = self._repeat_kv(rotary.apply(self._heads(self.k_proj(x_BLD))))
        v_BHLK = self._repeat_kv(self._heads(self.v_proj(x_BLD)))
        y_BHLK = functional.scaled_dot_product_attention(q_BHLK, k_BHLK, v_BHLK, is_causal=True)
        result: Tensor = self.o_proj(y_BHLK.transpose(1, 2).flatten(2))
        return result

    def _heads(self, x_BLD: Tensor) -> Tensor:
        return x_BLD.view(*x_BLD.shape[:2], -1, self.head_width).transpose(1, 2)

    def _repeat_kv(self, x_BGLK: Tensor) -> Tensor:
        return x_BGLK if self.kv_groups == 1 else x_BGLK.repeat_interleave(self.kv_groups, dim=1)


class FeedForward(nn.Module):
    """The SwiGLU feed-forward network: a gated inner layer of width F."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.gate_proj = Linear(config.width, config.hidden)
        self.up_proj = Linear(config.width, config.hidden)
        self.down_proj = Linear(config.hidden, config.width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return (B, L, D); positions do not interact."""
        result: Tensor = self.down_proj(functional.silu(self.gate_proj(x_BLD)) * self.up_proj(x_BLD))
        return result


class Block(nn.Module):
    """One transformer block: attention, then feed-forward, each added to the residual stream."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.width)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.width)
        self.mlp = FeedForward(config)

    def forward(self, x_BLD: Tensor, rotary: "RotaryEmbedding", dropout: float) -> Tensor:
        """Return the residual stream (B, L, D) after this block."""
        x_BLD = x_BLD + _dropout(self.self_attn(self.input_layernorm(x_BLD), rotary), dropout)
        result: Tensor = x_BLD + _dropout(self.mlp(self.post_attention_layernorm(x_BLD)), dropout)
        return result


def _dropout(x_BLD: Tensor, probability: float) -> Tensor:
    """Zero each element with `probability` and scale the others by 1 / (1 - probability) (Srivastava et al. 2014)."""
    return functional.dropout(x_BLD, probability) if probability else x_BLD


class Decoder(nn.Module):
    """The embedding, the blocks and the final norm."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.embed_tokens = Linear(config.width, config.vocab_size)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width)


class GPT(nn.Module):
    """The whole network, with uninitialized weights."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)

    def forward(self, tokens_BL: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the logits (B, L, V) of the next token at each position. `dropout` is a probability."""
        logits: Tensor = self.model.embed_tokens(self.states(tokens_BL, dropout))
        return logits

    def states(self, tokens_BL: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the states (B, L, D) of all positions, from which the embedding makes logits."""
        x_BLD = _dropout(functional.embedding(tokens_BL, self.model.embed_tokens.weight), dropout)
        rotary = RotaryEmbedding(tokens_BL.shape[1], self.config.head_width, tokens_BL.device)
        for block in self.model.layers:
            x_BLD = block(x_BLD, rotary, dropout)
        states: Tensor = self.model.norm(x_BLD)
        return states

    def loss(self, tokens_BM: Tensor, dropout: float = 0.0, padding: int = NO_TOKEN) -> Tensor:
        """Return the cross-entropy in nats, summed over all positions whose target is not `padding`.

        `tokens_BM` holds windows of L + 1 tokens: the first L are the inputs, the last L the targets.
        """
        logits_BLV = self(tokens_BM[:, :-1], dropout)
        return functional.cross_entropy(
            logits_BLV.flatten(0, 1).float(), tokens_BM[:, 1:].flatten(), reduction="sum", ignore_index=padding
        )

    def next_logits(self, tokens_BL: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the logits (B, V) of the token after each sequence, in float32; what follows its length is padding."""
        states_BLD = self.states(tokens_BL)
        last_BD = states_BLD[torch.arange(len(tokens_BL), device=tokens_BL.device), lengths_B - 1]
        logits: Tensor = self.model.embed_tokens(last_BD)
        return logits.float()


class RotaryEmbedding:
    """Rotary position embedding: rotates the pairs (i, i + K/2) of a head by the angle position / base^(2i/K)."""

    def __init__(self, length: int, head_width: int, device: torch.device) -> None:
        exponents = torch.arange(0, head_width, 2, device=device, dtype=torch.float32) / head_width
        angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), ROTARY_BASE**-exponents)
        self.cos_LK = torch.cat((angles, angles), dim=-1).cos()
        self.sin_LK = torch.cat((angles, angles), dim=-1).sin()

    def apply(self, x_BHLK: Tensor) -> Tensor:
        """Return queries or keys rotated by the angles of their positions."""
        first, second = x_BHLK.chunk(2, dim=-1)
        rotated = x_BHLK * self.cos_LK + torch.cat((-second, first), dim=-1) * self.sin_LK
        return rotated.to(x_BHLK.dtype)
