"""The sizes of a model are those of its preset, unless the job sets them."""

import pytest

from llmtrain_api.job import ModelSpec
from llmtrain_api.model_sizes import PRESETS, heads_are_shared_evenly, size_cel, sizes_of, width_is_shared_evenly


def test_presets_fit_together() -> None:
    assert all(heads_are_shared_evenly(sizes) and width_is_shared_evenly(sizes) for sizes in PRESETS.values())


@pytest.mark.parametrize(
    ("spec", "heads", "kv_heads"),
    [
        pytest.param(ModelSpec(), 4, 2, id="the preset's"),
        pytest.param(ModelSpec(heads=8), 8, 8, id="query heads alone are not shared"),
        pytest.param(ModelSpec(kv_heads=1), 4, 1, id="key heads alone"),
        pytest.param(ModelSpec(heads=8, kv_heads=2), 8, 2, id="both"),
    ],
)
def test_heads_that_are_not_set_have_a_default(spec: ModelSpec, heads: int, kv_heads: int) -> None:
    assert (sizes_of(spec).heads, sizes_of(spec).kv_heads) == (heads, kv_heads)


def test_the_cel_expression_takes_the_size_of_the_preset_if_it_is_not_set() -> None:
    assert size_cel("width") == (
        "(has(self.width) ? self.width : {'tiny': 128, 'small': 768, 'medium': 1024, 'large': 1280}[self.preset])"
    )
