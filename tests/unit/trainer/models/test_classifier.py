"""A classifier gives each text its logits, whatever stands beside it in the batch."""

import pytest
import torch

from llmtrain_api.job import ModelSpec
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.classifier import BODIES, Classifier, build_classifier, sizes_for
from llmtrain_trainer.models.pooling import mean_state

NAMES = sorted(BODIES)


def classifier(name: str, seed: int = 1) -> Classifier:
    model = build_classifier(
        name, sizes_for(ModelSpec(name=name, width=16)), vocab_size=50, pooling=mean_state, outputs=3
    )
    model.init_weights(seed)
    return model


@pytest.mark.parametrize("name", NAMES)
def test_padding_and_neighbours_have_no_influence(name: str) -> None:
    model, generator = classifier(name), torch.Generator().manual_seed(1)
    tokens, lengths = torch.randint(50, (4, 12), generator=generator), torch.tensor([12, 5, 1, 7])
    logits = model(tokens, lengths)
    other_padding = torch.where(torch.arange(12) < lengths[:, None], tokens, 49 - tokens)
    assert torch.equal(model(other_padding, lengths), logits)
    for row, length in enumerate(lengths.tolist()):
        by_itself = model(tokens[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(by_itself[0], logits[row])


@pytest.mark.parametrize("name", NAMES)
def test_initial_weights_are_a_function_of_the_seed(name: str) -> None:
    one, same, other = (dict(classifier(name, seed).named_parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(one[weight], same[weight]) for weight in one)
    biases = [weight for weight in one if weight.rpartition(".")[2].startswith("bias")]
    assert biases
    assert not any(one[weight].any() for weight in biases)
    assert not any(torch.equal(one[weight], other[weight]) for weight in one if one[weight].ndim > 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_every_weight_gets_a_gradient(name: str, precision: torch.dtype) -> None:
    model = classifier(name)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
        logits = model(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2]), dropout=0.5)
    assert logits.dtype == torch.float32
    logits.square().sum().backward()
    assert [weight for weight, value in model.named_parameters() if value.grad is None or not value.grad.any()] == []


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match=r"spec\.model\.width: 18 can't be shared evenly by 4 heads"):
        sizes_for(ModelSpec(name="encoder", width=18))
    with pytest.raises(BadInput, match=r"spec\.model\.name: gpt can't learn from records; set it to encoder"):
        sizes_for(ModelSpec())
