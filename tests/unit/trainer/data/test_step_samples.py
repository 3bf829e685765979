"""The samples of a step are those of the sampler, sorted by length, and each run of microbatches is about as long."""

import numpy as np
import pytest

from llmtrain_api.job import Training
from llmtrain_trainer.data.labelled_dataset import LabelledSamples, padded
from llmtrain_trainer.data.sampler import Sampler
from llmtrain_trainer.data.step_samples import StepSamples, chunk_of

LENGTHS = np.random.default_rng(1).integers(1, 100, 50)
TRAINING = Training(steps=9, microbatches=8, microbatch_size=4, seed=3)


def samples() -> LabelledSamples:
    offsets = np.concatenate([[0], np.cumsum(LENGTHS)])
    tokens = np.arange(offsets[-1], dtype=np.uint16)
    return LabelledSamples(tokens=tokens, offsets=offsets, labels=np.zeros(50, dtype=np.uint16))


def test_a_step_has_the_samples_of_the_sampler_in_sorted_microbatches() -> None:
    steps, sampler = StepSamples(TRAINING, samples()), Sampler(training=TRAINING, size=50)
    for step in (5, 0, 1):
        microbatches = [steps.microbatch(step, number) for number in range(8)]
        sampled = [sample for number in range(8) for sample in sampler.microbatch(step, number)]
        assert sorted(sample for numbers in microbatches for sample in numbers) == sorted(sampled)
        by_chunk = sorted(range(8), key=lambda number: chunk_of(number, 8))
        in_order = [LENGTHS[sample] for number in by_chunk for sample in microbatches[number]]
        assert in_order == sorted(in_order)
        assert [StepSamples(TRAINING, samples()).microbatch(step, number) for number in range(8)] == microbatches


def test_each_sample_has_its_epoch_also_in_a_step_that_begins_another() -> None:
    steps = StepSamples(TRAINING, samples())
    read = [
        (sample, epoch)
        for step in range(9)
        for number in range(8)
        for sample, epoch in zip(steps.microbatch(step, number), steps.epochs(step, number), strict=True)
    ]
    assert len(set(read)) == len(read), "a sample is read once in each epoch"
    assert [epoch for _, epoch in read[:32]] == [0] * 32
    assert sorted(epoch for _, epoch in read[32:64]) == [0] * 18 + [1] * 14


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_each_microbatch_is_one_chunk(count: int) -> None:
    assert sorted(chunk_of(number, count) for number in range(count)) == list(range(count))


def test_both_halves_of_the_microbatches_have_chunks_of_equal_length() -> None:
    assert sum(chunk_of(number, 8) for number in range(4)) == sum(chunk_of(number, 8) for number in range(4, 8))


def test_a_batch_is_padded_to_its_longest_sample() -> None:
    batch = samples().batch([3, 7])
    assert batch.shape == (2, max(LENGTHS[3], LENGTHS[7]))
    assert (np.count_nonzero(batch, axis=1) == LENGTHS[[3, 7]]).all()
    assert padded([np.array([5, 6]), np.array([7])]).tolist() == [[5, 6], [7, 0]]
