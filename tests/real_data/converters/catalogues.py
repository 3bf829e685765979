"""Messages of command-line tools and their German translation, out of gettext catalogues (Debian packages)."""

import gettext
from collections.abc import Sequence
from pathlib import Path

from real_data.layouts.pairs import one_line

FOLDER = "usr/share/locale/de/LC_MESSAGES"
CONTEXT = "\x04"
"""Separates the context of a message from its text."""
MIN_WORDS = 3


def catalogue_files(packages: Sequence[Path]) -> list[Path]:
    """Return the catalogues of all packages, by name."""
    found = (path for package in packages for path in (package / FOLDER).glob("*.mo"))
    return sorted(found, key=lambda path: path.name)


def read_messages(files: Sequence[Path]) -> list[tuple[str, str]]:
    """Return the different messages of at least three words, sorted, with their first translation.

    Left out: messages without a translation, plural forms and the header, whose message is empty.
    """
    pairs: dict[str, str] = {}
    for path in files:
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        for message, translation in catalogue.items():
            if isinstance(message, str) and translation and message != translation:
                source = message.split(CONTEXT)[-1]
                if len(source.split()) >= MIN_WORDS:
                    pairs.setdefault(one_line(source), one_line(translation))
    return sorted(pairs.items())
