"""Personal data in texts: addresses and numbers of a few kinds, found by their form and, where there are any, their check digits, and
what a job's own patterns match.

Each becomes a placeholder such as `[EMAIL]`. Nothing of it is kept or written elsewhere; only its kind is counted. Nothing that is
found contains a line break, so that a text can be masked line by line. Names and postal addresses have no form, and stay.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import NamedTuple

from llmtrain_api.data import Data
from llmtrain_api.personal_patterns import PersonalPattern, compile_pattern, pattern_errors
from llmtrain_trainer.data.decoding import repair
from llmtrain_trainer.data.pieces import SAFE_LINES, SAFE_TO_MASK
from llmtrain_trainer.errors import BadInput

NOTHING: Mapping[str, int] = MappingProxyType({})
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 7, 15
"""15 are the most of ITU-T E.164."""
FILLER = "\n"
"""Takes the place of what has been found, so that it is not found again as something else."""
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
IBAN = re.compile(r"(?<!\w)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)")
CARD = re.compile(
    r"(?<![\w.,-])(?:[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?|[0-9]{4}([ -]?)[0-9]{6}\2[0-9]{4,5}|[0-9]{13})"
    r"(?![\w-])"
)
"""In groups of 4, 4, 4, 4 and perhaps 3 digits, or of 4, 6 and 4 or 5, or 13 digits."""
IP = re.compile(
    r"(?<![\w.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.?\w)|(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{4,39}(?:\.[0-9]{1,3}){0,3}(?![\w:]))"
)
PHONE = re.compile(
    r"(?<![\w.,:/+-])(?:"
    r"(?:\+|00)[1-9][0-9]{0,2}(?:[ ./-]?(?:\([0-9]{1,4}\)|[0-9]{1,4})){2,6}"  # international
    r"|\(?0[1-9][0-9]{1,4}\)?[ /-][0-9]{2,}(?:[ -][0-9]{2,}){0,4}"  # with an area code that begins with 0
    r"|(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}"  # North America
    r")(?![\w/+]|[.,:-][0-9])"
)


@dataclass(frozen=True)
class PersonalMasking:
    """What is masked beside the kinds that are built in."""

    patterns: tuple[str, ...] = ()
    """Of the form `NAME=REGEX`."""

    @classmethod
    def of(cls, data: Data) -> "PersonalMasking | None":
        """Return what a job masks; None if personal data are kept. BadInput if one of its patterns can't be used."""
        if data.personal_data == "Keep":
            return None
        if error := next(pattern_errors(data.personal_patterns), None):
            raise BadInput(error)
        return cls(tuple(data.personal_patterns))

    @property
    def safe(self) -> re.Pattern[str]:
        """Where a text can be cut before it is masked: with patterns, which match within a line, at its end."""
        return SAFE_LINES if self.patterns else SAFE_TO_MASK


BUILT_IN = PersonalMasking()


class Masked(NamedTuple):
    """A text without personal data."""

    text: str
    counts: Mapping[str, int]
    """How often each kind was found."""


class Span(NamedTuple):
    """Personal data in a text."""

    start: int
    stop: int
    kind: str

    @property
    def placeholder(self) -> str:
        """What takes its place."""
        return f"[{self.kind.upper()}]"


def mask(text: str, masking: PersonalMasking = BUILT_IN) -> Masked:
    """Return a text with a placeholder for each e-mail address, IBAN, number of a card, IP address and phone number in it, and for
    what the patterns match.
    """
    return _masked(text, masking, lambda span: span.placeholder)


def mask_words(text: str, masking: PersonalMasking = BUILT_IN) -> Masked:
    """Return the same for words with one space between them: each word of what is found becomes a placeholder, none is lost."""
    return _masked(
        text, masking, lambda span: " ".join([span.placeholder] * (text.count(" ", span.start, span.stop) + 1))
    )


def shown_text(text: str, *, masking: PersonalMasking | None) -> str:
    """Return a text as it may be shown: masked if personal data are. What is cut afterwards is no part of an address or a number."""
    return text if masking is None else mask(text, masking).text


def place_after(text: str, place: int, masking: PersonalMasking = BUILT_IN, *, stop: bool = False) -> int:
    """Return where a place in `text` is after `mask`; within personal data its beginning, or where it ends for a `stop`."""
    moved = 0
    for span in find(text, masking):
        if place >= span.stop:
            moved += len(span.placeholder) - (span.stop - span.start)
        elif place > span.start:
            return span.start + moved + (len(span.placeholder) if stop else 0)
    return place + moved


def find(text: str, masking: PersonalMasking = BUILT_IN) -> list[Span]:
    """Return the personal data in a text, in order; where two overlap that of the first pattern is found, then of the first of `KINDS`."""
    found: list[Span] = []
    left = text
    for kind, find_kind in (*_own_kinds(masking.patterns), *KINDS.items()):
        spans = [Span(start, stop, kind) for start, stop in find_kind(left)]
        left = _replaced(left, spans, lambda span: FILLER * (span.stop - span.start))
        found += spans
    return sorted(found)


@lru_cache(maxsize=8)
def _own_kinds(patterns: tuple[str, ...]) -> tuple[tuple[str, Callable[[str], Iterator[tuple[int, int]]]], ...]:
    """Return what finds the kinds of a job's patterns, compiled once in each process."""
    return tuple((pattern.kind, partial(_matches, pattern)) for pattern in map(compile_pattern, patterns))


def _matches(pattern: PersonalPattern, text: str) -> Iterator[tuple[int, int]]:
    """Yield what a pattern matches within each line. RE2 reads no invalid characters: each is one U+FFFD for it."""
    line_start = 0
    for line in repair(text)[0].split("\n"):
        for found in pattern.regex.finditer(line):
            start, stop = found.span()
            if start < stop:
                yield line_start + start, line_start + stop
        line_start += len(line) + 1


def _masked(text: str, masking: PersonalMasking, placeholder: Callable[[Span], str]) -> Masked:
    spans = find(text, masking)
    if not spans:
        return Masked(text, NOTHING)
    return Masked(_replaced(text, spans, placeholder), Counter(span.kind for span in spans))


def _replaced(text: str, spans: Iterable[Span], replacement: Callable[[Span], str]) -> str:
    """Return a text with a replacement for each of its spans, which are in order, joined once: a text may have thousands."""
    parts, done = [], 0
    for span in spans:
        parts += [text[done : span.start], replacement(span)]
        done = span.stop
    return "".join([*parts, text[done:]])


def _emails(text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in EMAIL.finditer(text)) if "@" in text else iter(())


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield what has the length of its country and the check digits of ISO 13616, without words that follow it."""
    from stdnum import iban

    for found in IBAN.finditer(text):
        groups = found.group().split(" ")
        for count in range(len(groups), 0, -1):
            number = " ".join(groups[:count])
            if iban.is_valid(number, check_country=False):
                yield found.start(), found.start() + len(number)
                break


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield numbers of 13 to 19 digits with the check digit of ISO/IEC 7812 (Luhn) whose first digit is that of a card."""
    from stdnum import luhn

    for found in CARD.finditer(text):
        if found.group()[0] in "23456" and luhn.is_valid(re.sub("[ -]", "", found.group())):
            yield found.span()


def _ips(text: str) -> Iterator[tuple[int, int]]:
    for found in IP.finditer(text):
        address = found.group()
        if not any(map(str.isdecimal, address)) or address.startswith("::"):
            continue  # such as the two colons between names in C++
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        yield found.span()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for found in PHONE.finditer(text):
        if MIN_PHONE_DIGITS <= sum(map(str.isdecimal, found.group())) <= MAX_PHONE_DIGITS:
            yield found.span()


KINDS: Mapping[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _ips,
    "phone": _phones,
}
"""What finds each kind in a text. The first ones have the strictest form."""
