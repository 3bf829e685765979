"""Words as NLTK's or spaCy's rules split them, where the library is installed: for `data.tokenizer.kind` nltk and spacy.

Texts are split before they are tokenized. The tokenizer holds the splitter's name and version, but not its rules, so
`tokenizer.json` reads words that are separated already. Another version may split otherwise: it is refused.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any

from tokenizers import Tokenizer

from llmtrain_trainer.errors import BadInput

FIELD = "spec.data.tokenizer.kind"
LIBRARIES = ("nltk", "spacy")
MAX_WORD_CHARACTERS = 256
"""Characters without whitespace are cut after so many: both libraries need a time that grows with the square of their number."""
LONG = re.compile(rf"\S{{{MAX_WORD_CHARACTERS}}}(?=\S)")
MARK = re.compile(r"words of (\w+) (\S+)\n")
"""A separator that no text has after it is split, because it ends with a line end."""


@dataclass(frozen=True, kw_only=True)
class WordSplitter:
    """The rules of a library in a version."""

    library: str
    version: str

    @property
    def mark(self) -> str:
        """Its name and version, as a separator in a tokenizer."""
        return f"words of {self.library} {self.version}\n"

    def words(self, text: str) -> list[str]:
        """Return the words of a text, as they stand there. Each line is split by itself, as the libraries expect sentences."""
        split, found = _loaded(self.library), list[str]()
        for line in text.splitlines():
            found += split(LONG.sub(r"\g<0> ", line))
        return found


def installed_splitter(library: str) -> WordSplitter:
    """Return the splitter of a library in the version that is installed. BadInput if it is not."""
    try:
        return WordSplitter(library=library, version=metadata.version(library))
    except metadata.PackageNotFoundError as error:
        raise BadInput(
            f"{FIELD}: the Python package {library} is not installed where the trainer runs; run `pip install {library}` there, on a "
            "cluster for an image of your own in spec.image, or set kind to words"
        ) from error


def splitter_of(tokenizer: Tokenizer) -> WordSplitter | None:
    """Return the splitter whose words a tokenizer reads; None if it splits texts itself.

    BadInput if the library is not installed, or in another version.
    """
    mark = MARK.search(_separator(tokenizer))
    if mark is None:
        return None
    wanted = WordSplitter(library=mark[1], version=mark[2])
    found = installed_splitter(wanted.library)
    if found != wanted:
        raise BadInput(
            f"{FIELD}: the tokenizer has the words of {wanted.library} {wanted.version}, but {found.version} is installed, which may split "
            f"texts otherwise; run `pip install {wanted.library}=={wanted.version}`"
        )
    return wanted


def _separator(tokenizer: Tokenizer) -> str:
    """Return the first separator of a tokenizer; empty if it has none."""
    if tokenizer.pre_tokenizer is None:
        return ""
    state = json.loads(tokenizer.pre_tokenizer.__getstate__())
    steps = state.get("pretokenizers") or [{}]
    pattern = steps[0].get("pattern")
    return str(pattern.get("String", "")) if isinstance(pattern, dict) else ""


@lru_cache(maxsize=2)
def _loaded(library: str) -> Callable[[str], Iterator[str]]:
    """Return what splits a line, loaded once in each process. BadInput if the library does not work."""
    try:
        return _nltk() if library == "nltk" else _spacy()
    except (ImportError, ValueError) as error:  # the latter for one that was built with another NumPy
        raise BadInput(
            f"{FIELD}: the Python package {library} can't be imported where the trainer runs: {error}; repair its installation there, "
            "or set kind to words"
        ) from error


def _nltk() -> Callable[[str], Iterator[str]]:
    from nltk.tokenize import NLTKWordTokenizer  # imports much

    tokenizer = NLTKWordTokenizer()

    def split(line: str) -> Iterator[str]:
        try:
            spans = list(tokenizer.span_tokenize(line))
        except (ValueError, RuntimeError):  # quotes that it does not find again
            return iter(line.split())
        return (line[start:stop] for start, stop in spans)

    return split


def _spacy() -> Callable[[str], Iterator[str]]:
    import spacy  # imports much

    tokenizer: Any = spacy.blank("en").tokenizer

    def split(line: str) -> Iterator[str]:
        return (token.text for token in tokenizer(line) if not token.is_space)

    return split
