"""Sizes of the network: a preset, and what the job changes in it."""

from dataclasses import dataclass, replace

from llmtrain_api.job import ModelSpec
from llmtrain_trainer.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Sizes of a decoder. Letters of shape suffixes: D width, F hidden, H heads, G kv_heads, V vocab_size."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    context_length: int
    vocab_size: int = 0

    @property
    def head_width(self) -> int:
        """Size of one head; letter K."""
        return self.width // self.heads

    @property
    def hidden(self) -> int:
        """Inner size of the feed-forward block: 8/3 of the width (Shazeer 2020), rounded up to a multiple of 32."""
        return -(-self.width * 8 // 3 // 32) * 32


PRESETS = {
    "tiny": GPTConfig(layers=4, width=128, heads=4, kv_heads=2, context_length=128),
    "small": GPTConfig(layers=12, width=768, heads=12, kv_heads=12, context_length=1024),
    "medium": GPTConfig(layers=24, width=1024, heads=16, kv_heads=16, context_length=1024),
    "large": GPTConfig(layers=36, width=1280, heads=20, kv_heads=20, context_length=1024),
}


def config_for(spec: ModelSpec, vocab_size: int) -> GPTConfig:
    """Return the sizes a job asks for; BadInput if they don't fit together."""
    names = ("layers", "width", "heads", "kv_heads", "context_length")
    changes = {name: value for name in names if (value := getattr(spec, name)) is not None}
    preset = PRESETS[spec.preset]
    if "heads" in changes and "kv_heads" not in changes:
        changes["kv_heads"] = changes["heads"]
    shape = replace(preset, **changes, vocab_size=vocab_size)
    if shape.width % shape.heads or shape.head_width % 2:
        raise BadInput(
            f"spec.model.width: {shape.width} can't be shared out among {shape.heads} heads in even parts; "
            f"take a multiple of {2 * shape.heads}"
        )
    if shape.heads % shape.kv_heads:
        raise BadInput(f"spec.model.kvHeads: {shape.kv_heads} doesn't divide the {shape.heads} heads; take a divisor")
    return shape
