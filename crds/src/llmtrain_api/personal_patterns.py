"""Patterns of a job's own for personal data: `NAME=REGEX`, in the syntax of RE2.

RE2 (Cox 2010) searches in a time that is linear in the text whatever the pattern is, so that no pattern can stall a training.
It therefore has neither references to groups nor assertions about what stands before or after. Its package comes with the
extras `cli` and `text`, and is imported on the first use.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

FIELD = "spec.data.personalPatterns"


class PersonalPattern(NamedTuple):
    """What is masked under a name."""

    kind: str
    """The name in lower case, as the kinds that are built in are counted."""
    regex: Any
    """Compiled by RE2."""


def compile_pattern(pattern: str) -> PersonalPattern:
    """Return a pattern of the form `NAME=REGEX`. ValueError, with what is wrong, if it is none, or matches the empty
    text. ImportError without RE2.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    name, _, source = pattern.partition("=")
    try:
        regex = re2.compile(source, options)
    except re2.error as error:
        words = error.args[0] if error.args else "no regular expression"
        raise ValueError(words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)) from error
    if regex.search("") is not None:
        raise ValueError("it matches the empty text")
    return PersonalPattern(name.lower(), regex)


def pattern_errors(patterns: Iterable[str]) -> Iterator[str]:
    """Yield a message for each pattern that can't be used, with its index in the field."""
    for number, pattern in enumerate(patterns):
        try:
            compile_pattern(pattern)
        except ImportError:
            yield f"{FIELD}: the Python package google-re2, which reads the patterns, is not installed; run `pip install google-re2`"
            return
        except ValueError as error:
            yield (
                f"{FIELD}[{number}]: the regular expression of '{pattern.partition('=')[0]}' can't be used: {error}; correct it in "
                "the syntax of RE2, which has no look-around and no references to groups"
            )
