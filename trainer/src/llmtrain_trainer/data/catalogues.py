"""The messages of gettext catalogues and their translations, by polib: .po is text, .mo the binary form that programs read."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from llmtrain_trainer.data.bad_text import NotText, display_name
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.errors import BadInput

LINE = re.compile(r"\(line (\d+)\)")


class Message(NamedTuple):
    """A message and its translation."""

    source: str
    target: str
    number: int
    """The line of a .po file, or the number of the message in a .mo file, from 1."""


def read_catalogue(file: TextFile) -> Iterator[Message]:
    """Yield the messages of a catalogue that are translated, of plurals the first and the last form.

    Those that are marked as fuzzy or obsolete are left out. NotText if the file is none; BadInput if it is compressed.
    """
    import polib

    name = file.name.lower()
    if name.endswith(".gz"):
        raise BadInput(
            f"spec.data.format: '{display_name(file.name)}' is compressed, and catalogues are read as they are; unpack it"
        )
    try:
        entries = list((polib.mofile if name.endswith(".mo") else polib.pofile)(file.path))
    except (OSError, ValueError, LookupError, TypeError, struct.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the volume, not the content
        place = LINE.search(str(error))
        reason = f"a syntax error in line {place[1]}" if place else f"damaged, or not in its encoding: {error}"
        raise NotText(f"no gettext catalogue: {reason}", record="brokenRecord") from error
    for number, entry in enumerate(entries, start=1):  # those of .mo files are never fuzzy and have no line
        if entry.obsolete or getattr(entry, "fuzzy", False):
            continue
        forms = [entry.msgstr_plural[form] for form in sorted(entry.msgstr_plural)] or [entry.msgstr]
        sources = [entry.msgid, entry.msgid_plural] if entry.msgid_plural else [entry.msgid]
        for source, target in zip(sources, (forms[0], forms[-1]), strict=False):
            if target:
                yield Message(source, target, getattr(entry, "linenum", None) or number)
