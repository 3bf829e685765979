"""Masks are a function of a key: 15 % of the tokens, of which most are hidden, some replaced and some kept."""

import numpy as np
import pytest

from llmtrain_trainer.data.masking import NOT_CHOSEN, Masking

MASK, VOCABULARY = 4, 1000
MASKING = Masking(mask=MASK, special=np.array([0, 2, 3, MASK]), vocab_size=VOCABULARY, before=(2,), after=(3,))
WINDOWS = np.arange(40 * 200).reshape(40, 200) % 990 + 10


def test_the_part_of_bert_is_chosen_and_hidden() -> None:
    inputs, targets = MASKING.apply(WINDOWS, [f"0/0/{number}" for number in range(40)])
    whole = np.pad(WINDOWS, ((0, 0), (1, 1)), constant_values=((2, 3),) * 2)
    whole[:, 0], whole[:, -1] = 2, 3
    chosen = targets != NOT_CHOSEN
    assert (chosen.sum(1) == 30).all()
    assert np.array_equal(targets[chosen], whole[chosen])
    assert np.array_equal(inputs[~chosen], whole[~chosen])
    hidden, kept = inputs[chosen] == MASK, inputs[chosen] == whole[chosen]
    assert hidden.mean() == pytest.approx(0.8, abs=0.03)
    assert kept.mean() == pytest.approx(0.1, abs=0.03)
    others = inputs[chosen][~hidden & ~kept]
    assert len(set(others.tolist())) > 80
    assert others.max() < VOCABULARY


def test_draws_depend_on_the_key_alone() -> None:
    one, other = (MASKING.apply(WINDOWS[:2], keys)[1] for keys in (["0/0/1", "0/0/2"], ["0/1/1", "0/0/2"]))
    assert np.array_equal(one[1], other[1])
    assert not np.array_equal(one[0] == NOT_CHOSEN, other[0] == NOT_CHOSEN)
    assert np.array_equal(MASKING.apply(WINDOWS[1:2], ["0/0/2"])[1][0], one[1])


def test_special_tokens_are_never_chosen() -> None:
    window = np.array([[0, 3, 0, 17, 0, 3]])
    for number in range(20):
        _, targets = MASKING.apply(window, [str(number)])
        assert targets[targets != NOT_CHOSEN].tolist() == [17]


def test_a_window_of_special_tokens_has_nothing_to_predict() -> None:
    _, targets = MASKING.apply(np.array([[0, 0, 3]]), ["0"])
    assert (targets == NOT_CHOSEN).all()
