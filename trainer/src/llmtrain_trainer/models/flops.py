"""Floating-point operations of training, counted from the sizes of the network, and model FLOPs utilization (MFU)."""

from llmtrain_trainer.models.config import GPTConfig


def flops_per_token(config: GPTConfig) -> int:
    """Return the operations of forward and backward pass per token (PaLM, Chowdhery et al. 2022, appendix B).

    Each weight that a token is multiplied with costs six operations. The embedding is a lookup and costs nothing, but
    its weights are tied to the output layer, which counts. Attention costs twelve operations per layer, position and
    width; the causal mask is ignored, as is conventional. Recomputed activations do not count.
    """
    kv_width = config.kv_heads * config.head_width
    attention = 2 * config.width * config.width + 2 * config.width * kv_width
    block = attention + 3 * config.width * config.hidden
    weights = config.layers * block + config.vocab_size * config.width
    return 6 * weights + 12 * config.layers * config.width * config.context_length


def mfu(tokens_per_second: float, flops_per_token: int | None, peak_flops: float | None) -> float | None:
    """Return the model FLOPs utilization: the fraction of the peak that goes into the model (PaLM, appendix B).

    `tokens_per_second` and `peak_flops` (operations per second) are those of all ranks together. None if the
    operations per token or the peak are unknown.
    """
    return tokens_per_second * flops_per_token / peak_flops if flops_per_token and peak_flops else None
