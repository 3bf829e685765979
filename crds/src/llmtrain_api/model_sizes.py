"""The sizes of the network: the presets, and what a job changes in them."""

from dataclasses import dataclass, replace

from llmtrain_api.job import ModelSpec


@dataclass(frozen=True, kw_only=True)
class ModelSizes:
    """The sizes of a decoder that a job can choose."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    context_length: int


PRESETS = {
    "tiny": ModelSizes(layers=4, width=128, heads=4, kv_heads=2, context_length=128),
    "small": ModelSizes(layers=12, width=768, heads=12, kv_heads=12, context_length=1024),
    "medium": ModelSizes(layers=24, width=1024, heads=16, kv_heads=16, context_length=1024),
    "large": ModelSizes(layers=36, width=1280, heads=20, kv_heads=20, context_length=1024),
}


def sizes_of(spec: ModelSpec) -> ModelSizes:
    """Return the sizes that `spec` asks for: `heads` without `kvHeads` means one key head for each query head."""
    names = ("layers", "width", "heads", "kv_heads", "context_length")
    changes = {name: value for name in names if (value := getattr(spec, name)) is not None}
    if "heads" in changes and "kv_heads" not in changes:
        changes["kv_heads"] = changes["heads"]
    return replace(PRESETS[spec.preset], **changes)


def width_is_shared_evenly(sizes: ModelSizes) -> bool:
    """Return whether each head gets an even share of the width, which rotary embeddings need."""
    return sizes.width % (2 * sizes.heads) == 0


def heads_are_shared_evenly(sizes: ModelSizes) -> bool:
    """Return whether each key head serves the same number of query heads."""
    return sizes.heads % sizes.kv_heads == 0


def size_cel(field: str) -> str:
    """Return the CEL expression, over `spec.model`, for the size that a job without the field `field` has."""
    attribute = {"kvHeads": "kv_heads"}.get(field, field)
    preset = ", ".join(f"'{name}': {getattr(sizes, attribute)}" for name, sizes in PRESETS.items())
    of_preset = f"{{{preset}}}[self.preset]"
    if field == "kvHeads":
        of_preset = f"(has(self.heads) ? self.heads : {of_preset})"
    return f"(has(self.{field}) ? self.{field} : {of_preset})"
