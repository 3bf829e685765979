"""Files of word vectors: word2vec's binary and text formats (Mikolov et al. 2013), and GloVe's (Pennington et al. 2014).

    word2vec, binary   a line with the numbers of words and dimensions; then a word, a space and float32 numbers, for each word
    word2vec, text     the same first line; then a line with a word and its numbers, for each word
    GloVe              a line with a word and its numbers, for each word

The format is found from the content. A file is read once from its beginning in pieces, and numbers of the words that are asked
for alone become arrays, so memory does not grow with the file.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.model_sizes import reader_width
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import VECTORS_FIELD

MAX_LINE_BYTES, MAX_WORD_BYTES, MAX_WIDTH = 2**22, 2**12, 2**16
PIECE_BYTES = 2**20
NUMBER_BYTES = 4
CONTROL_CHARACTER = re.compile(rb"[\x00-\x1f]")
SIZES = re.compile(rb"([0-9]{1,12}) +([0-9]{1,12}) *\r?\n")
"""The first line of word2vec's formats."""
COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh")
COPY_AGAIN = "copy the file again"


@dataclass(frozen=True, kw_only=True)
class VectorFile:
    """A file whose format is known."""

    path: Path
    width: int
    """Numbers of each word."""
    words: int | None
    """How many words it has by its first line; None for GloVe's format."""
    binary: bool

    @classmethod
    def open(cls, path: Path) -> "VectorFile":
        """Find the format of a file, or of the text in a folder that a job published.

        BadInput if it is not there, or its beginning is none of the formats.
        """
        if path.is_dir():
            from llmtrain_trainer.models.vectors_folder import TEXT_FILE, is_vectors_folder  # imports safetensors

            if not is_vectors_folder(path):
                raise BadInput(
                    f"{VECTORS_FIELD}: '{path}' is a folder that no job with task word-vectors published; name a file, such a folder, or a job with that task"
                )
            path = path / TEXT_FILE
        try:
            with path.open("rb") as file:
                first = file.readline(MAX_LINE_BYTES)
                sizes = SIZES.fullmatch(first)
                if sizes is None:
                    return cls(path=path, width=_glove_width(path, first), words=None, binary=False)
                words, width = map(int, sizes.groups())
                if not words or not 0 < width <= MAX_WIDTH:
                    raise _broken(path, "line 1", f"says {words} words with {width} numbers each", COPY_AGAIN)
                return cls(path=path, width=width, words=words, binary=not _is_text(_first_numbers(file, width)))
        except FileNotFoundError as error:
            raise BadInput(
                f"{VECTORS_FIELD}: '{path}' is not on the volume; put a file of word vectors there, or correct the path"
            ) from error
        except OSError as error:
            raise BadInput(
                f"{VECTORS_FIELD}: '{path}' can't be read: {error.strerror}; correct the path, or let the user of the pods read it"
            ) from error

    @property
    def digest(self) -> str:
        """Checksum: "sha256:" and 64 hexadecimal digits."""
        with self.path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

    def require_width(self, width: int) -> None:
        """BadInput if the numbers of a word are not as many as the model's embedding has."""
        if self.width != width:
            raise BadInput(
                f"{VECTORS_FIELD}: '{self.path}' has vectors of {self.width} numbers, but the width of the model is {width}; set "
                f"spec.model.width to {self.width}, or name a file with vectors of {width} numbers"
            )

    def read(self, words: Sequence[str]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the numbers in `words` of those that the file has, with their vectors (width,), in the file's order.

        A word in lower case also gets the vector of the first other spelling, such as Paris, and then, if the file has one, its
        own. BadInput, with the place, if an entry is damaged, a word is there twice, or there are not as many as the first line
        says.
        """
        numbers = {word: number for number, word in enumerate(words)}
        found: dict[int, str] = {}
        with self.path.open("rb") as file:
            for word_bytes, values, place in self._binary_entries(file) if self.binary else self._text_entries(file):
                word = word_bytes.decode("utf-8", "replace")
                number = numbers.get(word, numbers.get(word.lower()))
                if number is None or (number in found and words[number] != word):
                    continue
                if found.get(number) == word:
                    raise _broken(self.path, place, f"is '{word}', which is there before", "remove one of the two")
                found[number] = word
                yield number, self._vector(values, place)

    def _binary_entries(self, file: io.BufferedReader) -> Iterator[tuple[bytes, bytes, str]]:
        """Yield word, bytes of its numbers, and place."""
        assert self.words is not None
        offset, buffer, start = (
            len(file.readline()),
            b"",
            0,
        )  # of the buffer in the file, and of the entry in the buffer
        for number in range(self.words):
            place = f"byte {offset + start}"
            while (space := buffer.find(b" ", start)) < 0 or len(buffer) <= space + NUMBER_BYTES * self.width:
                if space < 0 and len(buffer) - start > MAX_WORD_BYTES:
                    raise _broken(self.path, place, "is the beginning of no word", COPY_AGAIN)
                piece = file.read(PIECE_BYTES)
                if not piece:
                    raise _broken(self.path, place, f"is its end, after {number} of {self.words} words", COPY_AGAIN)
                offset, buffer, start = offset + start, buffer[start:] + piece, 0
            word = buffer[start:space].removeprefix(b"\n")
            if not word or CONTROL_CHARACTER.search(word):
                raise _broken(self.path, place, f"is the beginning of no word of {self.width} numbers", COPY_AGAIN)
            start = space + 1 + NUMBER_BYTES * self.width
            yield word, buffer[space + 1 : start], place
        if (buffer[start:] + file.read(PIECE_BYTES)).strip():
            raise _broken(self.path, f"byte {offset + start}", f"is more than {self.words} words", COPY_AGAIN)

    def _text_entries(self, file: io.BufferedReader) -> Iterator[tuple[bytes, list[bytes], str]]:
        """Yield word, its numbers as text, and place. Some files of GloVe have words with spaces."""
        found, first_line = 0, 1 if self.words is None else 2
        if self.words is not None:
            file.readline()
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b""), start=first_line):
            place = f"line {number}"
            fields = line.rsplit(None, self.width)
            if not fields:
                continue
            extra = sum(map(_is_number, fields[0].split()[1:]))
            if len(fields) <= self.width or extra:
                raise _broken(
                    self.path, place, f"has {len(fields) - 1 + extra} numbers, not {self.width}", "correct the line"
                )
            found += 1
            yield fields[0], fields[1:], place
        if self.words is not None and found != self.words:
            raise _broken(self.path, "line 1", f"says {self.words} words, but {found} follow", COPY_AGAIN)

    def _vector(self, numbers: bytes | list[bytes], place: str) -> NDArray[np.float32]:
        try:
            if isinstance(numbers, bytes):
                vector = np.frombuffer(numbers, dtype="<f4").astype(np.float32)
            else:
                with np.errstate(over="ignore"):  # is not finite then
                    vector = np.array([float(number) for number in numbers]).astype(np.float32)
        except ValueError as error:
            raise _broken(self.path, place, f"is not valid: {error}", "correct the line") from error
        if not np.isfinite(vector).all():
            raise _broken(self.path, place, "has a number that is not finite", "correct it, or take another file")
        return vector


def vector_file_of(run: RunConfig) -> VectorFile | None:
    """Return the file in a job's `spec.model.vectors`; None without it. BadInput if the model can't begin with it."""
    if run.vectors_path is None:
        return None
    file = VectorFile.open(Path(run.vectors_path))
    file.require_width(reader_width(run.model))
    return file


def _broken(path: Path, place: str, problem: str, remedy: str) -> BadInput:
    return BadInput(f"{VECTORS_FIELD}: '{path}', {place} {problem}; {remedy}")


def _glove_width(path: Path, line: bytes) -> int:
    """Return how many numbers a word has, by the first line of a file. BadInput if it has no word with numbers."""
    fields = line.split()
    width = next((number for number, text in enumerate(reversed(fields)) if not _is_number(text)), len(fields) - 1)
    if width < 2 or not line.endswith(b"\n"):
        packed = line.startswith(COMPRESSED)
        raise _broken(
            path,
            "line 1",
            "has neither the numbers of words and dimensions, nor a word with its vector",
            "unpack the file" if packed else "name a file in word2vec's text or binary format, or GloVe's",
        )
    return min(width, len(fields) - 1)


def _first_numbers(file: io.BufferedReader, width: int) -> bytes:
    """Return as many bytes after the next word as a binary vector has."""
    head = file.read(MAX_WORD_BYTES + NUMBER_BYTES * width)
    return head.partition(b" ")[2][: NUMBER_BYTES * width]


def _is_text(content: bytes) -> bool:
    """Return whether bytes are text, of which a last character may be cut off, and not float32 numbers."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        text = content[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n" for character in text)


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
