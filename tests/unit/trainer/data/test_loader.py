"""Microbatches of a mixture have windows of each source by its weight, at any step alike."""

from collections import Counter
from pathlib import Path

import numpy as np

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import Dataset, PreparedSource
from llmtrain_trainer.data.loader import MicrobatchLoader
from unit.trainer.builders import MakeRun

TOKENS = np.array([1] * 400 + [2] * 100, dtype=np.uint16)
SOURCES = (
    PreparedSource(name="books", tokens=400, held_out_tokens=50),
    PreparedSource(name="wiki", tokens=100, held_out_tokens=50),
)


def loader(make_run: MakeRun, *, weights: dict[str, int] | None) -> MicrobatchLoader:
    data = {"source": {"volume": "datasets", "path": "text"}, **({"mixture": weights} if weights else {})}
    info = DatasetInfo(id="mixed", tokens=500, held_out_tokens=100, vocab_size=3, unigram_loss=1.0)
    dataset = Dataset(
        info=info,
        training=TOKENS,
        held_out=TOKENS[:100],
        directory=Path("/none"),
        sources=SOURCES if weights else (),
    )
    return MicrobatchLoader.of(make_run(data=data), dataset, 9)


def test_each_step_has_the_sources_by_their_weights(make_run: MakeRun) -> None:
    batches = loader(make_run, weights={"wiki": 3, "books": 1})
    for step in (0, 1, 12345):
        windows = np.concatenate([batches.microbatch(step, number) for number in range(4)])
        assert windows.shape == (8, 10)
        assert (windows == windows[:, :1]).all(), "a window has tokens of one source"
        assert Counter(windows[:, 0].tolist()) == {1: 2, 2: 6}


def test_without_a_mixture_windows_are_drawn_from_the_whole_text(make_run: MakeRun) -> None:
    batches = loader(make_run, weights=None)
    assert len(batches.windows) == (500 - 1) // 9
    epoch = [batches.sampler.draws(step, number) for step in range(7) for number in range(4)]
    samples = [draw.sample for draws in epoch for draw in draws]
    assert sorted(samples[:55]) == list(range(55))
    assert [draw.epoch for draws in epoch for draw in draws] == [0] * 55 + [1]
