"""The sizes of the network: a preset, with the job's changes."""

from dataclasses import dataclass, replace

from llmtrain_api.job import ModelSpec
from llmtrain_trainer.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The sizes of a decoder.

    Their letters in shape suffixes: D width, F hidden, H heads, G kv_heads, K head_width, V vocab_size.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    context_length: int
    vocab_size: int = 0

    @property
    def head_width(self) -> int:
        """The size of one attention head (K)."""
        return self.width // self.heads

    @property
    def hidden(self) -> int:
        """Inner size of the feed-forward block (F): 8/3 of the width, rounded up to a multiple of 32 (Shazeer 2020)."""
        return -(-self.width * 8 // 3 // 32) * 32


PRESETS = {
    "tiny": GPTConfig(layers=4, width=128, heads=4, kv_heads=2, context_length=128),
    "small": GPTConfig(layers=12, width=768, heads=12, kv_heads=12, context_length=1024),
    "medium": GPTConfig(layers=24, width=1024, heads=16, kv_heads=16, context_length=1024),
    "large": GPTConfig(layers=36, width=1280, heads=20, kv_heads=20, context_length=1024),
}


def config_for(spec: ModelSpec, vocab_size: int) -> GPTConfig:
    """Return the sizes that `spec` asks for. BadInput if they do not fit together."""
    names = ("layers", "width", "heads", "kv_heads", "context_length")
    changes = {name: value for name in names if (value := getattr(spec, name)) is not None}
    preset = PRESETS[spec.preset]
    if "heads" in changes and "kv_heads" not in changes:
        changes["kv_heads"] = changes["heads"]
    config = replace(preset, **changes, vocab_size=vocab_size)
    if config.width % config.heads or config.head_width % 2:
        raise BadInput(
            f"spec.model.width: {config.width} can't be shared evenly by {config.heads} heads of even size; "
            f"take a multiple of {2 * config.heads}"
        )
    if config.heads % config.kv_heads:
        raise BadInput(f"spec.model.kvHeads: {config.kv_heads} doesn't divide the {config.heads} heads; take a divisor")
    return config
