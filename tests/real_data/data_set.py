"""What a set is: packages, a layout, a function that writes it, and how many samples it must have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from real_data.errors import WrongCounts
from real_data.packages import Package

Counts = dict[str, int]
"""How many samples, classes and so on a set has, by what is counted."""
Sources = Callable[[Package], Path]
"""Returns the folder of a package's files."""


@dataclass(frozen=True)
class AtLeast:
    """A lower bound, for what changes with Debian's archive."""

    count: int

    def __str__(self) -> str:
        return f"at least {self.count}"


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One set."""

    name: str
    layout: str
    packages: Sequence[Package]
    write: Callable[[Sources, Path], Counts]
    """Writes the set into an empty folder, and returns its counts."""
    counts: Mapping[str, int | AtLeast]
    """The counts that it must have."""


def check_counts(data_set: DataSet, counts: Mapping[str, int]) -> None:
    """Compare the counts of a set with the expected ones; WrongCounts names each difference."""
    differences = [
        f"{what}: {counts.get(what)} instead of {data_set.counts.get(what)}"
        for what in {**data_set.counts, **counts}
        if not _is_met(counts.get(what), data_set.counts.get(what))
    ]
    if differences:
        raise WrongCounts(
            f"unexpected counts of {data_set.name}: {', '.join(differences)}. A package or a converter has changed: correct "
            "the converter, or the counts in real_data/sets.py if the new ones are right"
        )


def sizes(parts: Mapping[str, Sequence[object]]) -> Counts:
    """Return the number of samples of each part."""
    return {part: len(samples) for part, samples in parts.items()}


def _is_met(count: int | None, expected: int | AtLeast | None) -> bool:
    if isinstance(expected, AtLeast):
        return count is not None and count >= expected.count
    return count == expected
