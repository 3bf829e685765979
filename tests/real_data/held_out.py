"""Which samples are the test part of a set: a function of each sample alone, so it is the same on every machine.

Sets that are published with a test part keep it. The other sets are divided here, and nowhere else.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

Sample = TypeVar("Sample")
Parts = dict[str, list[Sample]]
"""Samples of the parts `train` and `test`, in their order."""


def percentile(text: str) -> int:
    """Return 0 to 99, by a hash of the text: about as many texts for each number."""
    return int(hashlib.blake2b(text.encode(), digest_size=4).hexdigest(), 16) % 100


def by_hash(samples: Iterable[Sample], text: Callable[[Sample], str], *, percent: int = 10) -> Parts[Sample]:
    """Return about `percent` of the samples as test part. Equal texts are in the same part."""
    parts: Parts[Sample] = {"train": [], "test": []}
    for sample in samples:
        parts["test" if percentile(text(sample)) < percent else "train"].append(sample)
    return parts


def every_fiftieth(samples: Sequence[Sample], text: Callable[[Sample], Hashable]) -> Parts[Sample]:
    """Return samples 0, 50, 100 and so on as test part, from all parts of a long text.

    Samples with the text of a test sample are not in the training part: verses repeat.
    """
    test = list(samples[::50])
    held_out = {text(sample) for sample in test}
    return {"train": [sample for sample in samples if text(sample) not in held_out], "test": test}
