"""About the wanted share of the text is held out, whatever the sizes; no text is on both sides, and none depends on names."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from llmtrain_trainer.data import split as module
from llmtrain_trainer.data.scan import DOCUMENT
from llmtrain_trainer.data.split import CUT, HELD_OUT, LEFT_OUT, TRAINING, cut_place, cut_window, split_documents


def documents(sizes: list[int], seed: int = 1) -> NDArray[np.void]:
    """Return documents of these sizes with random hashes."""
    randomly = np.random.default_rng(seed)
    made = np.zeros(len(sizes), dtype=DOCUMENT)
    made["size"] = sizes
    for name in ("key", "key_low"):
        made[name] = randomly.integers(0, 2**64, len(sizes), dtype=np.uint64)
    return made


def random_sizes(randomly: random.Random) -> list[int]:
    count = randomly.choice([1, 2, 3, 5, 20, 300])
    return randomly.choice(
        [
            lambda: [1000] * count,
            lambda: [randomly.randint(100, 10**6) for _ in range(count)],
            lambda: [int(randomly.paretovariate(0.6) * 100) for _ in range(count)],
            lambda: [10 ** randomly.randint(2, 8) for _ in range(count)],
            lambda: [100] * count + [10**7],
            lambda: [10**6, 10**6, *([200] * count)],
        ]
    )()


@pytest.mark.parametrize("percent", [1, 5, 20, 33, 50])
def test_between_half_and_three_halves_of_the_wanted_share_is_held_out(percent: int) -> None:
    randomly = random.Random(percent)
    for seed in range(400):
        sizes = random_sizes(randomly)
        made = documents(sizes, seed)
        parts = split_documents(made, percent)
        fair = sum(sizes) * percent / 100
        assert parts.training_size + parts.held_out_size == sum(sizes)
        assert fair / 2 - 1 <= parts.held_out_size <= fair * 1.5 + 1, sizes
        held_out = int(made["size"][parts.fates == HELD_OUT].sum())
        assert held_out + sum(cut.size for cut in parts.cuts) == parts.held_out_size
        assert [cut.document for cut in parts.cuts] == np.flatnonzero(parts.fates == CUT).tolist()
        for cut in parts.cuts:
            window = cut_window(cut.size)
            assert window < cut.size < sizes[cut.document] - window or cut.size < 4
            for moved in (-window, window):
                assert fair / 2 - 1 <= parts.held_out_size + moved <= fair * 1.5 + 1


def test_the_order_and_so_the_names_of_documents_do_not_matter() -> None:
    made = documents([int(size) for size in np.random.default_rng(3).integers(100, 9999, 500)])
    order = np.random.default_rng(4).permutation(500)
    assert (split_documents(made[order], 7).fates == split_documents(made, 7).fates[order]).all()


def test_of_a_large_and_a_small_file_the_large_one_is_not_held_out() -> None:
    for seed in range(20):
        parts = split_documents(documents([10**6, 1000], seed), 5)
        assert 25_000 <= parts.held_out_size <= 75_000


def test_what_is_trained_on_is_not_the_largest_document_alone() -> None:
    for percent in (5, 50):
        sizes = [percent * 20] * 100 + [10**6 - percent * 2000]
        parts = split_documents(documents(sizes), percent)
        assert (parts.fates[:100] == TRAINING).sum() > 20


def test_one_text_is_one_document() -> None:
    made = documents([500] * 60)
    copies = np.concatenate((made, made[10:30]))
    parts = split_documents(copies, 10)
    assert parts.duplicates == 20
    assert (parts.fates[60:] == LEFT_OUT).all()
    assert (parts.fates[:60] == split_documents(made, 10).fates).all()


def test_documents_without_a_size_are_left_out_and_no_duplicates() -> None:
    parts = split_documents(documents([0, 0, 500, 500, 500]), 30)
    assert parts.fates[:2].tolist() == [LEFT_OUT, LEFT_OUT]
    assert (parts.duplicates, parts.training_size + parts.held_out_size) == (0, 1500)


def test_hashes_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    made = documents([int(size) for size in np.random.default_rng(5).integers(1, 999, 1000)])
    made = np.concatenate((made, made[:100]))
    expected = split_documents(made, 10)
    monkeypatch.setattr(module, "PARTITION_DOCUMENTS", 64)
    found = split_documents(made, 10)
    assert (found.fates == expected.fates).all()
    assert found.duplicates == expected.duplicates == 100


def test_all_of_a_single_document_is_in_one_of_the_parts() -> None:
    parts = split_documents(documents([1]), 5)
    assert parts.training_size + parts.held_out_size == 1


@pytest.mark.parametrize(
    ("text", "near", "place"),
    [
        pytest.param(b"one\n\ntwo three\nfour", 9, 5, id="a paragraph before a word that is nearer"),
        pytest.param(b"one two\nthree four", 9, 8, id="a line before a word that is nearer"),
        pytest.param(b"one two three four", 9, 8, id="a word"),
        pytest.param(b"one two three four", 7, 8, id="the end of the space is the place"),
        pytest.param(b"abcdefgh", 5, 5, id="no end at all"),
        pytest.param("漢字漢字".encode(), 5, 3, id="the beginning of a character"),
    ],
)
def test_a_document_is_cut_after_the_nearest_end(text: bytes, near: int, place: int) -> None:
    assert cut_place(text, near) == place
    text[:place].decode()


def test_training_and_held_out_text_are_never_the_same_document() -> None:
    made = documents([100] * 200)
    fates = split_documents(np.concatenate((made, made)), 25).fates
    assert {HELD_OUT, TRAINING} == set(fates[:200].tolist())
    assert set(fates[200:].tolist()) == {LEFT_OUT}
