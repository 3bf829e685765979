"""Questions about the options of programs, made by rule from their manual pages (Debian packages).

"Which option of ls lists subdirectories recursively?" asks for the option with this description. Its context is the
option and up to three before and after it. The questions test the mechanics: word overlap finds the answers.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from real_data.layouts.questions import Question

FOLDER = "usr/share/man/man1"
ENTRY = re.compile(
    r"^\.TP[^\n]*\n(?P<head>(?:\.B[IR]? |\\f[B]|\.B ?)[^\n]+)\n(?P<body>(?:(?!\.)[^\n]+\n)+)", re.MULTILINE
)
"""A tagged paragraph of the man macros: the option in bold, and lines of text."""
OPTION = re.compile(r"--?[A-Za-z0-9][\w-]*")
ESCAPE = re.compile(r"\\(?:f\(..|f\[[^]]*\]|f.|\(..|[^ ])?")
CHARACTERS = {r"\-": "-", r"\e": "\\", r"\(aq": "'", r"\(cq": "'", r"\(bu": "*"}
"""What escapes of troff print; fonts and all others print nothing."""
ARTICLES = {"-a", "-A", "-an"}
"""Names that SQuAD's rules take for no answer: they leave out punctuation and articles."""
AROUND = 3
MIN_OPTIONS = 3
WORDS = range(4, 31)
"""How many words the description of an option may have."""


class Option(NamedTuple):
    """The long name of an option (or its first one), its names and arguments, and the first sentence of its description."""

    name: str
    head: str
    description: str

    @property
    def entry(self) -> str:
        """Return the option as it stands in a context."""
        return f"{self.head}: {self.description}."


def read_options(packages: Sequence[Path]) -> dict[str, list[Option]]:
    """Return the options of each page with at least three, by the page's name. Links to pages are not pages."""
    paths = sorted(
        (path for package in packages for path in (package / FOLDER).glob("*.gz")), key=lambda path: path.name
    )
    pages = {path.name.partition(".")[0]: options(_text(path)) for path in paths}
    return {name: found for name, found in pages.items() if len(found) >= MIN_OPTIONS}


def options(page: str) -> list[Option]:
    """Return the options of a page in the man macros."""
    found = []
    for entry in ENTRY.finditer(page):
        head = clean(re.sub(r"^\.B[IR]? ?", "", entry["head"]))
        names = sorted(OPTION.findall(head), key=lambda name: not name.startswith("--"))
        description = clean(entry["body"]).split(". ")[0].rstrip(".")
        if names and names[0] not in ARTICLES and len(description.split()) in WORDS:
            found.append(Option(names[0], head, description))
    return found


def clean(text: str) -> str:
    """Return a text without troff's escapes, in one line."""
    return " ".join(ESCAPE.sub(lambda escape: CHARACTERS.get(escape.group(), ""), text).split())


def questions(page: str, found: Sequence[Option]) -> Iterator[Question]:
    """Yield a question about each option of a page, with its answer."""
    for number, option in enumerate(found):
        before = found[max(0, number - AROUND) : number]
        context = " ".join(each.entry for each in (*before, option, *found[number + 1 : number + 1 + AROUND]))
        start = sum(len(each.entry) + 1 for each in before) + option.head.index(option.name)
        yield _question(page, option, context, start)


def unanswerable(page: str, found: Sequence[Option]) -> Iterator[Question]:
    """Yield a question about each third option of a page whose context is that of other options of the page.

    Contexts with an option of the same name or description are left out.
    """
    for number, option in enumerate(found[::3]):
        others = [each for each in found if each.name != option.name and each.description != option.description]
        window = others[number : number + 2 * AROUND + 1]
        if len(window) > AROUND:
            yield _question(page, option, " ".join(each.entry for each in window), None)


def _question(page: str, option: Option, context: str, start: int | None) -> Question:
    description = option.description[0].lower() + option.description[1:]
    return Question(
        title=page,
        context=context,
        question=f"Which option of {page} does this: {description}?",
        answer=option.name,
        answer_start=start,
    )


def _text(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode(errors="replace")
