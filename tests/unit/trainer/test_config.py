"""A preset gives the sizes; a job may change them, as long as they fit together."""

import pytest

from llmtrain_api.job import ModelSpec
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.config import PRESETS, GPTConfig, config_for


def parameters(shape: GPTConfig) -> int:
    attention = 2 * shape.width**2 + 2 * shape.width * shape.kv_heads * shape.head_width
    block = attention + 3 * shape.width * shape.hidden + 2 * shape.width
    return shape.vocab_size * shape.width + shape.layers * block + shape.width


@pytest.mark.parametrize(("preset", "millions"), [("small", 124), ("medium", 355), ("large", 774)])
def test_presets_are_near_the_sizes_of_gpt2(preset: str, millions: int) -> None:
    shape = config_for(ModelSpec.model_validate({"preset": preset}), 50257)
    assert parameters(shape) / 1e6 == pytest.approx(millions, rel=0.1)


def test_a_job_changes_what_it_names() -> None:
    shape = config_for(ModelSpec(preset="tiny", layers=9), 512)
    assert (shape.layers, shape.width, shape.vocab_size) == (9, PRESETS["tiny"].width, 512)


CASES = [
    ("heads must divide the width", ModelSpec(width=100, heads=3), "spec.model.width: 100 can't be shared"),
    ("rotary positions need even heads", ModelSpec(width=36, heads=4), "take a multiple of 8"),
    ("key heads must divide the heads", ModelSpec(heads=4, kv_heads=3), "spec.model.kvHeads: 3 doesn't divide"),
]


@pytest.mark.parametrize(("sentence", "spec", "message"), CASES)
def test_sizes_that_do_not_fit_are_named(sentence: str, spec: ModelSpec, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        config_for(spec, 512)
