"""The sizes of the network: the presets of each architecture, and what a job changes in them."""

from collections.abc import Mapping
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


@dataclass(frozen=True, kw_only=True)
class RecurrentSizes:
    """The sizes of a recurrent network that a job can choose."""

    layers: int
    width: int


@dataclass(frozen=True, kw_only=True)
class EncoderSizes(RecurrentSizes):
    """The sizes of an encoder that a job can choose."""

    heads: int


ENCODER_PRESETS = {
    "tiny": EncoderSizes(layers=2, width=128, heads=4),
    "small": EncoderSizes(layers=4, width=256, heads=8),
    "medium": EncoderSizes(layers=8, width=512, heads=8),
    "large": EncoderSizes(layers=12, width=768, heads=12),
}
BERT_PRESETS = {
    "tiny": EncoderSizes(layers=2, width=128, heads=2),
    "small": EncoderSizes(layers=4, width=512, heads=8),
    "medium": EncoderSizes(layers=12, width=768, heads=12),
    "large": EncoderSizes(layers=24, width=1024, heads=16),
}
"""BERT-tiny and BERT-small (Turc et al. 2019), BERT-base and BERT-large (Devlin et al. 2018)."""
T5_PRESETS = {
    "tiny": EncoderSizes(layers=2, width=128, heads=4),
    "small": EncoderSizes(layers=6, width=512, heads=8),
    "medium": EncoderSizes(layers=12, width=768, heads=12),
    "large": EncoderSizes(layers=24, width=1024, heads=16),
}
"""Layers of encoder and decoder each; the last three are T5-small, -base and -large (Raffel et al. 2020)."""
RECURRENT_PRESETS = {
    "tiny": RecurrentSizes(layers=1, width=128),
    "small": RecurrentSizes(layers=1, width=256),
    "medium": RecurrentSizes(layers=2, width=512),
    "large": RecurrentSizes(layers=3, width=1024),
}


@dataclass(frozen=True, kw_only=True)
class VectorSizes:
    """The sizes of word vectors that a job can choose."""

    width: int


SKIPGRAM_PRESETS = {
    "tiny": VectorSizes(width=100),
    "small": VectorSizes(width=200),
    "medium": VectorSizes(width=300),
    "large": VectorSizes(width=500),
}
PRESETS_OF: Mapping[str, Mapping[str, object]] = {
    "gpt": PRESETS,
    "encoder": ENCODER_PRESETS,
    "bert": BERT_PRESETS,
    "t5": T5_PRESETS,
    "lstm": RECURRENT_PRESETS,
    "gru": RECURRENT_PRESETS,
    "skipgram": SKIPGRAM_PRESETS,
}
"""By the name of the architecture."""


def sizes_of(spec: ModelSpec) -> ModelSizes:
    """Return the sizes of a gpt that `spec` asks for: `heads` without `kvHeads` means one key head for each query head."""
    changes = _set(spec, ("layers", "width", "heads", "kv_heads", "context_length"))
    if "heads" in changes and "kv_heads" not in changes:
        changes["kv_heads"] = changes["heads"]
    return replace(PRESETS[spec.preset], **changes)


def encoder_sizes(spec: ModelSpec) -> EncoderSizes:
    """Return the sizes of an encoder, a bert or a t5 that `spec` asks for."""
    presets = {"bert": BERT_PRESETS, "t5": T5_PRESETS}.get(spec.name, ENCODER_PRESETS)
    return replace(presets[spec.preset], **_set(spec, ("layers", "width", "heads")))


def recurrent_sizes(spec: ModelSpec) -> RecurrentSizes:
    """Return the sizes of a recurrent network that `spec` asks for."""
    return replace(RECURRENT_PRESETS[spec.preset], **_set(spec, ("layers", "width")))


def reader_width(spec: ModelSpec) -> int:
    """Return the width of the embedding of an encoder, lstm or gru that `spec` asks for."""
    return (encoder_sizes(spec) if spec.name == "encoder" else recurrent_sizes(spec)).width


def vector_sizes(spec: ModelSpec) -> VectorSizes:
    """Return the sizes of word vectors that `spec` asks for."""
    return replace(SKIPGRAM_PRESETS[spec.preset], **_set(spec, ("width",)))


def _set(spec: ModelSpec, names: tuple[str, ...]) -> dict[str, int]:
    return {name: value for name in names if (value := getattr(spec, name)) is not None}


def width_is_shared_evenly(sizes: ModelSizes) -> bool:
    """Return whether each head gets an even share of the width, which rotary embeddings need."""
    return sizes.width % (2 * sizes.heads) == 0


def heads_are_shared_evenly(sizes: ModelSizes) -> bool:
    """Return whether each key head serves the same number of query heads."""
    return sizes.heads % sizes.kv_heads == 0


def size_cel(field: str, model: str = "gpt") -> str:
    """Return the CEL expression, over `spec.model`, for the size that a `model` without the field `field` has."""
    attribute = {"kvHeads": "kv_heads"}.get(field, field)
    preset = ", ".join(f"'{name}': {getattr(sizes, attribute)}" for name, sizes in PRESETS_OF[model].items())
    of_preset = f"{{{preset}}}[self.preset]"
    if field == "kvHeads":
        of_preset = f"(has(self.heads) ? self.heads : {of_preset})"
    return f"(has(self.{field}) ? self.{field} : {of_preset})"
