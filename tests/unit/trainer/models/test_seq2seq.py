"""Encoder-decoders of `transformers`: padding has no influence, and each written token is the most probable one."""

import pytest
import torch

from llmtrain_api.model_sizes import EncoderSizes
from llmtrain_trainer.models.seq2seq import Seq2Seq, import_architecture, t5_config

SOURCES, LENGTHS = torch.tensor([[8, 9, 10, 11, 0], [7, 3, 0, 0, 0]]), torch.tensor([5, 3])
TARGETS = torch.tensor([[4, 5, 6, 0], [9, 0, 0, 0]])


def make(dropout: float = 0.0, seed: int = 0) -> Seq2Seq:
    model = Seq2Seq(t5_config(EncoderSizes(layers=1, width=16, heads=4), vocab_size=20, end_of_text=0, dropout=dropout))
    model.init_weights(seed)
    return model


def weights(model: Seq2Seq) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.network.named_parameters()}


def test_weights_are_drawn_from_the_seed() -> None:
    one, same, other = weights(make()), weights(make()), weights(model := make(seed=1))
    before = torch.get_rng_state()
    model.init_weights(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(weight, one[name]) for name, weight in same.items())
    assert not torch.equal(other["shared.weight"], one["shared.weight"])


def test_logits_are_the_librarys_and_padding_has_no_influence() -> None:
    model = make()
    logits = model(SOURCES, LENGTHS, TARGETS)
    assert logits.shape == (2, 4, 20)
    single = model.network.eval()(input_ids=SOURCES[1:, :3], labels=TARGETS[1:, :2]).logits
    assert torch.allclose(logits[1:, :2], single, atol=1e-6)
    other = SOURCES.clone()
    other[1, 3:] = 9
    assert torch.equal(model(other, LENGTHS, TARGETS), logits)


def test_each_token_is_written_after_those_before_it() -> None:
    model, other = make(), TARGETS.clone()
    other[:, 2:] = 13
    logits, of_other = model(SOURCES, LENGTHS, TARGETS), model(SOURCES, LENGTHS, other)
    assert torch.equal(logits[:, :3], of_other[:, :3])
    assert not torch.equal(logits[:, 3], of_other[:, 3])


def test_dropout_is_on_only_where_it_is_asked_for() -> None:
    model = make(dropout=0.1)
    assert model.dropout == 0.1
    outputs = []
    for dropout in (0.0, 0.1, 0.1, 0.0):
        torch.manual_seed(len(outputs))
        outputs.append(model(SOURCES, LENGTHS, TARGETS, dropout))
    assert torch.equal(outputs[0], outputs[3])
    assert len({tuple(output.flatten().tolist()) for output in outputs}) == 3


@pytest.mark.parametrize("seed", range(3))
def test_the_most_probable_token_is_written_up_to_the_end_of_the_text(seed: int) -> None:
    model = make(dropout=0.1, seed=seed)
    pings: list[None] = []
    written = model.generate(SOURCES, LENGTHS, 6, lambda: pings.append(None))
    assert written.shape[1] <= 6
    assert len(pings) == written.shape[1]
    for row, length, tokens in zip(SOURCES, LENGTHS.tolist(), written.tolist(), strict=True):
        expected: list[int] = []
        while len(expected) < written.shape[1] and 0 not in expected:
            with torch.no_grad():
                logits = model(row[None, :length], torch.tensor([length]), torch.tensor([[*expected, 0]]))
            expected.append(int(logits[0, len(expected)].argmax()))
        assert tokens == expected + [0] * (written.shape[1] - len(expected))


def test_the_module_of_the_architecture_can_be_imported_before_it_is_needed() -> None:
    import_architecture("translation", None)
