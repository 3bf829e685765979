"""The rows of a table, the lines of JSONL, the sentences of CoNLL or the trees of a treebank, with their places in the file.

A broken row of CSV ends with its first line: a quote that is never closed does not swallow the rows after it.
"""

import csv
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from llmtrain_trainer.data.tagged_words import words_in
from llmtrain_trainer.data.text_stream import MAX_LINE_CHARACTERS, TextStream, lines
from llmtrain_trainer.data.trees import NoTree, read_tree

MAX_ROW_CHARACTERS = 2**20
"""The longest row of CSV or TSV."""
START_OF_DOCUMENT = "-DOCSTART-"
"""The word of a line of CoNLL-2003 between documents."""
MAX_SENTENCE_WORDS = 4096
"""A longer sentence of CoNLL is read as several."""
csv.field_size_limit(MAX_ROW_CHARACTERS)


class Line(NamedTuple):
    """A line of a file."""

    text: str
    """With its end."""
    offset: int
    """Bytes of the file up to its end."""
    number: int
    """From 1."""


class Row(NamedTuple):
    """A row of CSV or TSV, a line of JSONL, a tree, or a sentence of CoNLL, in one or more lines."""

    lines: list[Line]
    fields: list[str]
    error: str = ""
    """Why it has no fields."""


Parser = Callable[[Iterator[str]], Iterator[list[str]]]
"""Takes lines, and yields the fields of a row as soon as it has read all of its lines. csv.Error for a broken row."""


def _parser(format: str) -> Parser:
    if format == "Jsonl":
        return lambda lines: ([text] if (text := line.strip()) else [] for line in lines)
    if format == "Conll":
        return _sentences
    if format == "Trees":
        return _trees
    if format == "Tsv":
        return lambda lines: csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
    return lambda lines: csv.reader(lines, strict=True)


def _trees(lines: Iterator[str]) -> Iterator[list[str]]:
    """Yield the words of each tree and its label, nothing for an empty line."""
    for line in lines:
        try:
            yield list(read_tree(line)) if line.strip() else []
        except NoTree as error:
            raise csv.Error(f"no tree: {error}") from error


def _sentences(lines: Iterator[str]) -> Iterator[list[str]]:
    """Yield the words and the tags of each sentence as two texts, nothing for an empty line or the start of a document."""
    words, tags = list[str](), list[str]()
    for line in lines:
        fields = words_in(line)
        if fields and fields[0] != START_OF_DOCUMENT:
            words.append(fields[0])
            tags += fields[-1:] if len(fields) > 1 else []
        if len(words) == MAX_SENTENCE_WORDS or not fields or fields[0] == START_OF_DOCUMENT:
            yield [" ".join(words), " ".join(tags)] if words else []
            words, tags = [], []
    if words:
        yield [" ".join(words), " ".join(tags)]


def _numbered(stream: TextStream, before: int) -> Iterator[Line | Row]:
    """Yield the lines of a stream, of which `before` come earlier; one that is too long as a broken row."""
    offset, number, continued = stream.first, before, False
    for text in lines(stream.blocks):
        offset += len(stream.encoding.encode(text))
        number += not continued
        too_long, was_continued = len(text) > MAX_LINE_CHARACTERS, continued
        continued = not text.endswith("\n")
        if too_long and not was_continued:
            yield Row([Line("", offset, number)], [], f"longer than {MAX_LINE_CHARACTERS} characters")
        elif not was_continued:
            yield Line(text, offset, number)


def read_rows(stream: TextStream, format: str, before: int = 0) -> Iterator[Row]:
    """Yield the rows of a stream in the format Jsonl, Csv, Tsv, Conll or Trees; `before` lines of the file come before it.

    After a broken row, reading continues with its second line.
    """
    source, parse = _numbered(stream, before), _parser(format)
    again: deque[Line | Row] = deque()
    while True:
        used: list[Line] = []
        try:
            fields = next(parse(_feed(again, source, used)))
        except StopIteration:
            if not again:
                return
            row = again.popleft()
            assert isinstance(row, Row)
            yield row
        except csv.Error as error:
            again.extendleft(reversed(used[1:]))
            yield Row(used[:1], [], f"a broken row: {error}")
        else:
            yield Row(used, fields)


def _feed(again: "deque[Line | Row]", source: Iterator[Line | Row], used: list[Line]) -> Iterator[str]:
    """Yield the lines that a parser asks for, up to a broken row, which becomes the next of `again`."""
    characters = 0
    while (line := again.popleft() if again else next(source, None)) is not None:
        if isinstance(line, Row):
            again.appendleft(line)
            return
        used.append(line)
        characters += len(line.text)
        if characters > MAX_ROW_CHARACTERS and len(used) > 1:
            raise csv.Error(f"longer than {MAX_ROW_CHARACTERS} characters")
        yield line.text
