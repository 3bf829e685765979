"""Floating-point operations that a token costs to learn from, counted from the network and not measured."""

from llmtrain_trainer.models.config import GPTConfig


def flops_per_token(shape: GPTConfig) -> int:
    """Return the operations of forward and backward pass for one token (PaLM, Chowdhery et al. 2022, appendix B).

    Six for each weight that a token is multiplied with: the embedding is looked up and costs nothing, but its weights
    are tied to those that guess the next token. Twelve for each layer, position and width of attention, though half of
    it is masked: so everyone counts. Recomputed activations don't count, as they teach nothing.
    """
    kv_width = shape.kv_heads * shape.head_width
    attention = 2 * shape.width * shape.width + 2 * shape.width * kv_width
    block = attention + 3 * shape.width * shape.hidden
    weights = shape.layers * block + shape.vocab_size * shape.width
    return 6 * weights + 12 * shape.layers * shape.width * shape.context_length
