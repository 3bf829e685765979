"""The sample at each position of a mixture follows from the position alone, and the sources have the shares of their weights."""

from collections import Counter

import pytest

from llmtrain_api.data import Data, Source
from llmtrain_trainer.data.mixture import Mixture, round_of


def data_with(**weights: int) -> Data:
    return Data(source=Source(volume="datasets", path="text"), mixture=weights or None)


def sources_of(mixture: Mixture, positions: range) -> list[int]:
    """Return the source of each position."""
    stops = [sum(mixture.sizes[: number + 1]) for number in range(len(mixture.sizes))]
    draws = [mixture.draw(7, position) for position in positions]
    return [next(number for number, stop in enumerate(stops) if draw.sample < stop) for draw in draws]


@pytest.mark.parametrize("weights", [(1,), (3, 1), (1, 1, 1), (5, 3, 2), (997, 2, 1), (7, 11, 13, 17, 19, 23)])
def test_a_round_has_each_source_as_often_as_its_weight_and_no_run_is_far_from_it(weights: tuple[int, ...]) -> None:
    slots, seen = round_of(weights), [0] * len(weights)
    assert len(slots) == sum(weights)
    for place, slot in enumerate(slots, start=1):
        assert slot.before == seen[slot.source]
        seen[slot.source] += 1
        for count, weight in zip(seen, weights, strict=True):
            assert abs(count - place * weight / sum(weights)) < 2
    assert tuple(seen) == weights


def test_the_counts_follow_the_weights_exactly_and_each_source_repeats_by_itself() -> None:
    mixture = Mixture(weights=(3, 1), sizes=(5, 70))
    draws = [mixture.draw(7, position) for position in range(400)]
    assert Counter(sources_of(mixture, range(400))) == {0: 300, 1: 100}
    small, large = ([draw for draw in draws if (draw.sample < 5) == is_small] for is_small in (True, False))
    for epoch in range(60):
        of_epoch = [draw.sample for draw in small if draw.epoch == epoch]
        assert sorted(of_epoch) == [0, 1, 2, 3, 4]
    assert len({tuple(draw.sample for draw in small if draw.epoch == epoch) for epoch in range(60)}) > 20
    assert sorted(draw.sample for draw in large if draw.epoch == 0) == list(range(5, 75))


def test_sources_of_one_size_have_orders_of_their_own() -> None:
    mixture = Mixture(weights=(1, 1), sizes=(100, 100))
    samples = [mixture.draw(7, position).sample for position in range(200)]
    assert [sample + 100 for sample in samples[::2]] != samples[1::2]
    assert sorted(samples) == list(range(200))


def test_weights_with_a_common_divisor_are_the_same_mixture() -> None:
    one, other = (Mixture.of(data_with(books=books, code=code), (10, 20)) for books, code in ((30, 20), (3, 2)))
    assert one == other == Mixture(weights=(3, 2), sizes=(10, 20))


def test_the_order_of_names_in_the_job_does_not_matter() -> None:
    given = Mixture.of(data_with(wiki=2, books=1, code=3), (10, 20, 30))
    assert given == Mixture(weights=(1, 3, 2), sizes=(10, 20, 30))


def test_without_weights_there_is_no_mixture() -> None:
    assert Mixture.of(data_with(), []) is None


def test_the_order_is_the_same_on_every_machine_and_release() -> None:
    mixture = Mixture(weights=(3, 1), sizes=(50, 50))
    assert [tuple(mixture.draw(0, position)) for position in (0, 1, 2, 3, 250)] == [
        (10, 0),
        (27, 0),
        (58, 0),
        (22, 0),
        (51, 1),
    ]
