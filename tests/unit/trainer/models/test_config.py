"""A preset defines the sizes of the network; a job can change each of them, as long as they fit together."""

import pytest

from llmtrain_api.job import ModelSpec
from llmtrain_api.model_sizes import PRESETS
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.config import GPTConfig, config_for


def parameters(config: GPTConfig) -> int:
    attention = 2 * config.width**2 + 2 * config.width * config.kv_heads * config.head_width
    block = attention + 3 * config.width * config.hidden + 2 * config.width
    return config.vocab_size * config.width + config.layers * block + config.width


@pytest.mark.parametrize(("preset", "millions"), [("small", 124), ("medium", 355), ("large", 774)])
def test_presets_are_near_the_sizes_of_gpt2(preset: str, millions: int) -> None:
    config = config_for(ModelSpec.model_validate({"preset": preset}), 50257)
    assert parameters(config) / 1e6 == pytest.approx(millions, rel=0.1)


def test_a_job_overrides_the_sizes_that_it_sets() -> None:
    config = config_for(ModelSpec(preset="tiny", layers=9), 512)
    assert (config.layers, config.width, config.vocab_size) == (9, PRESETS["tiny"].width, 512)


CASES = [
    pytest.param(
        ModelSpec(width=100, heads=3), "spec.model.width: 100 can't be shared evenly", id="heads must divide the width"
    ),
    pytest.param(ModelSpec(width=36, heads=4), "take a multiple of 8", id="rotary embeddings need heads of even size"),
    pytest.param(
        ModelSpec(heads=4, kv_heads=3), "spec.model.kvHeads: 3 doesn't divide", id="key heads must divide the heads"
    ),
]


@pytest.mark.parametrize(("spec", "message"), CASES)
def test_sizes_that_do_not_fit_are_rejected_with_the_field(spec: ModelSpec, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        config_for(spec, 512)
