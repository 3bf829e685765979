"""The file of synonyms in `spec.training.augment.synonyms`: a line for each word, which has the word and its synonyms.

Fields are separated by tabs. A word may have several lines. Words are compared in lower case; synonyms are used as they are
written.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.augment import LEXICON_FIELD
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import BadInput

MAX_LEXICON_BYTES = 2**26
"""Size of a file at most: it is held in memory by each rank."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """Words with their synonyms."""

    synonyms: Mapping[str, tuple[str, ...]]
    """By the word in lower case, in the order of the file."""
    digest: str
    """Checksum of the file: "sha256:" and 64 hexadecimal digits."""

    @classmethod
    def read(cls, path: Path) -> "Lexicon":
        """Read a file. BadInput, with the line, if it has one that is not as described above, or can't be read."""
        try:
            with path.open("rb") as file:
                content = file.read(MAX_LEXICON_BYTES + 1)
        except FileNotFoundError as error:
            raise BadInput(
                f"{LEXICON_FIELD}: '{path}' is not on the volume; put a file of synonyms there, or correct the path"
            ) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadInput(
                f"{LEXICON_FIELD}: '{path}' can't be read: {reason}; name a file that the user of the pods can read"
            ) from error
        if len(content) > MAX_LEXICON_BYTES:
            raise BadInput(
                f"{LEXICON_FIELD}: '{path}' has more than {MAX_LEXICON_BYTES} bytes; keep the words that occur in the texts"
            )
        return cls(synonyms=_parse(path, content), digest=f"sha256:{hashlib.sha256(content).hexdigest()}")


def lexicon_of(run: RunConfig) -> Lexicon | None:
    """Return the lexicon of a job; None without one. BadInput if it can't be used."""
    augment = run.training.augment
    if augment is None or augment.synonyms is None:
        return None
    return Lexicon.read(Path(run.data_directory) / augment.synonyms)


def _parse(path: Path, content: bytes) -> dict[str, tuple[str, ...]]:
    """Return the synonyms of each word, each once and without the word itself."""
    lines = content.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    if lines[-1] == b"":
        lines.pop()  # what follows the end of the last line
    if not lines:
        raise _bad(path, 1, "is missing, because the file is empty", "write a word, a tab and a synonym")
    found: dict[str, dict[str, None]] = {}
    for number, line in enumerate(lines, start=1):
        word, *synonyms = _fields(path, number, line)
        found.setdefault(word.lower(), {}).update(dict.fromkeys(synonyms))
    return {word: tuple(synonym for synonym in synonyms if synonym.lower() != word) for word, synonyms in found.items()}


def _fields(path: Path, number: int, line: bytes) -> list[str]:
    """Return the word of a line and its synonyms, without the spaces around them."""
    try:
        fields = [value.strip() for value in line.decode("utf-8").split("\t")]
    except UnicodeDecodeError as error:
        raise _bad(path, number, f"is not UTF-8 at byte {error.start + 1}", "save the file as UTF-8") from error
    if fields == [""]:
        raise _bad(path, number, "is empty", "remove it")
    if len(fields) == 1:
        raise _bad(path, number, "has no tab", "separate the word and its synonyms with tabs")
    if not all(fields):
        which = "word" if not fields[0] else "synonym"
        raise _bad(path, number, f"has an empty {which}", "fill it in, or remove the tab")
    return fields


def _bad(path: Path, number: int, problem: str, remedy: str) -> BadInput:
    return BadInput(f"{LEXICON_FIELD}: '{path}', line {number} {problem}; {remedy}")
