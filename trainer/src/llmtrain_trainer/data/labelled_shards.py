"""The samples of a shard of records: for each split the tokens, the length of each sample and its label, in order.

Words with tags have a label for each token. A pair of texts is one sample: the tokens of both, one after the other.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.model import Model
from llmtrain_trainer.data.encoding import Encoding
from llmtrain_trainer.data.labels import LABEL_TYPES, LabelKind, number_in
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.questions import Question
from llmtrain_trainer.data.shards import TokenizeTask, shared_encoding, shared_model_encoding
from llmtrain_trainer.data.split import HELD_OUT, TRAINING
from llmtrain_trainer.data.tagged_words import NOT_LEARNED, word_tokens
from llmtrain_trainer.data.written_files import WrittenFile, atomic_file, digest_of, read_model, size_of, write_model

LENGTH = np.dtype("<u4")
"""Type of the length of a sample."""
CHARACTER = np.dtype("<u4")
"""Type of a place in a context, of which each token has two."""


@dataclass(frozen=True, kw_only=True)
class LabelledTask(TokenizeTask):
    """A shard of records to tokenize."""

    labels: tuple[str, ...]
    """All classes, in the order of their numbers."""
    kind: LabelKind
    max_tokens: int
    """Tokens of a record that are kept."""

    def files(self, fate: int) -> "SplitFiles":
        """Return the files of a split."""
        tokens = self.tokens_file(fate)
        kinds = ("lengths", "labels", "questions", "characters", "slices")
        return SplitFiles(tokens, *(tokens.with_name(f"{tokens.name}.{kind}") for kind in kinds))


class SplitFiles(NamedTuple):
    """The files of a split."""

    tokens: Path
    lengths: Path
    labels: Path
    questions: Path
    """Held-out questions or pairs, as JSON lines of document and label; empty if labels are neither answers nor texts."""
    characters: Path
    """For each token of held-out questions the characters of the context at which it begins and ends."""
    slices: Path
    """The values by which each held-out record is judged, as JSON lines; empty without such columns."""


class LabelledSplit(Model):
    """The description of the samples of a shard that belong to one split."""

    tokens: WrittenFile
    lengths: WrittenFile
    labels: WrittenFile
    questions: WrittenFile
    characters: WrittenFile
    slices: WrittenFile
    samples: int
    """Records."""
    unanswerable: int = 0
    """Questions without an answer."""
    counts: list[int]
    """Samples, or words, with each label; empty if labels are numbers."""

    @property
    def sequences(self) -> int:
        """The sequences that the records are: one each, or the windows of a question."""
        return self.lengths.size // LENGTH.itemsize

    @property
    def written(self) -> tuple[WrittenFile, ...]:
        """The descriptions in the order of `SplitFiles`."""
        return self.tokens, self.lengths, self.labels, self.questions, self.characters, self.slices


class LabelledShard(Model):
    """The description of a shard's samples."""

    training: LabelledSplit
    held_out: LabelledSplit
    shortened: int
    """Samples that were cut after `max_tokens`."""

    def split(self, fate: int) -> LabelledSplit:
        """Return a split."""
        return self.held_out if fate == HELD_OUT else self.training


def tokenize_records(task: LabelledTask) -> LabelledShard:
    """Tokenize a shard of records unless its samples exist."""
    before = read_model(LabelledShard, task.result_file)
    if before is not None and _is_complete(task, before):
        return before
    kind = KINDS.get(task.kind, _ModelSamples if task.of_model else _Samples)
    samples = {fate: kind(task, held_out=fate == HELD_OUT) for fate in (TRAINING, HELD_OUT)}
    with atomic_file(task.files(TRAINING).tokens) as training, atomic_file(task.files(HELD_OUT).tokens) as held_out:
        for part in task.shard.parts():
            tokens = samples[part.fate].add(part.text, part.label, last=part.last)
            if part.last:
                samples[part.fate].note(part.slices)
            (held_out if part.fate == HELD_OUT else training).write(tokens)
    result = LabelledShard(
        training=samples[TRAINING].write(task.files(TRAINING)),
        held_out=samples[HELD_OUT].write(task.files(HELD_OUT)),
        shortened=sum(split.shortened for split in samples.values()),
    )
    write_model(result, task.result_file)
    return result


class _Samples:
    """The lengths and labels of the samples of one split."""

    def __init__(self, task: LabelledTask, *, held_out: bool) -> None:
        self._task = task
        self._classes, self._kind = {label: number for number, label in enumerate(task.labels)}, task.kind
        self._max_tokens, self._lengths, self._labels = task.max_tokens, list[int](), list[Any]()
        self._held_out, self._questions, self._characters = held_out, list[str](), list[tuple[int, int]]()
        self._slices = list[str]()
        self._records = self._unanswerable = 0
        self._length = 0
        """Tokens of the record that is being read."""
        self.shortened = 0

    @property
    def _encoding(self) -> Encoding:
        if self._task.of_model:
            return shared_model_encoding(self._task.directory, self._task.token_dtype)
        return shared_encoding(self._task.directory, self._task.token_dtype)

    def add(self, text: str, label: str, *, last: bool) -> bytes:
        """Add the next part of a record; return its tokens, without those that are too many."""
        width = self._encoding.dtype.itemsize
        tokens = self._encoding.encode(text) if self._length <= self._max_tokens else b""
        room = max(0, self._max_tokens - self._length)
        self._length += len(tokens) // width
        if last:
            self._end(min(self._length, self._max_tokens), label, shortened=self._length > self._max_tokens)
            self._length = 0
        return tokens[: room * width]

    def _end(self, length: int, label: str, *, shortened: bool) -> None:
        """Note the length and the label of a record that has been read."""
        self._records += 1
        self._lengths.append(length)
        self._labels.append(number_in(label) if self._kind == "number" else self._classes[label])
        self.shortened += shortened

    def note(self, slices: Sequence[str]) -> None:
        """Note the values by which the record that has been read is judged, if it is held out."""
        if self._held_out and slices:
            self._slices.append(json.dumps(slices))

    def write(self, files: SplitFiles) -> LabelledSplit:
        """Write lengths and labels beside the tokens; return the description of all."""
        labels = np.array(self._labels, dtype=LABEL_TYPES[self._kind])
        contents = {
            files.lengths: np.array(self._lengths, dtype=LENGTH).tobytes(),
            files.labels: labels.tobytes(),
            files.questions: "".join(f"{line}\n" for line in self._questions).encode(),
            files.characters: np.array(self._characters, dtype=CHARACTER).tobytes(),
            files.slices: "".join(f"{line}\n" for line in self._slices).encode(),
        }
        for path, content in contents.items():
            with atomic_file(path) as file:
                file.write(content)
        return LabelledSplit(
            tokens=digest_of(files.tokens),
            lengths=digest_of(files.lengths),
            labels=digest_of(files.labels),
            questions=digest_of(files.questions),
            characters=digest_of(files.characters),
            slices=digest_of(files.slices),
            samples=self._records,
            unanswerable=self._unanswerable,
            counts=self._counts(labels).tolist() if self._classes else [],
        )

    def _counts(self, labels: NDArray[Any]) -> NDArray[np.int64]:
        return np.bincount(labels, minlength=len(self._classes))


class _TaggedSamples(_Samples):
    """The lengths of the samples of one split, and the tags of their tokens."""

    def add(self, text: str, label: str, *, last: bool) -> bytes:
        """Add a sentence, whose words and tags are separated by spaces; return its tokens, without those that are too many."""
        encoding, tokens, tags = self._encoding, list[NDArray[np.unsignedinteger]](), list[int]()
        for tag, of_word in zip(label.split(" "), word_tokens(encoding, text.split(" ")), strict=True):
            tokens.append(of_word)
            tags += [self._classes[tag], *[NOT_LEARNED] * (len(of_word) - 1)]
        before, after = encoding.before, encoding.after
        room = self._max_tokens - len(before) - len(after)
        self._records += 1
        self.shortened += len(tags) > room
        self._lengths.append(len(before) + min(len(tags), room) + len(after))
        self._labels += [*[NOT_LEARNED] * len(before), *tags[:room], *[NOT_LEARNED] * len(after)]
        sequence = np.concatenate([before, np.concatenate(tokens)[:room], after])
        return sequence.astype(encoding.dtype).tobytes()

    def _counts(self, labels: NDArray[Any]) -> NDArray[np.int64]:
        return super()._counts(labels[labels != NOT_LEARNED])


class _QuestionSamples(_Samples):
    """The windows of questions of one split, and where their answers are."""

    def add(self, text: str, label: str, *, last: bool) -> bytes:
        """Add a question; return the tokens of all of its windows."""
        question, encoding = Question.of(text, label), self._encoding
        windows = encoding.windows(question, self._max_tokens)
        self._records += 1
        self._unanswerable += not question.answers
        self.shortened += encoding.shortens(question, self._max_tokens)
        for number, window in enumerate(windows):
            start, last_token = window.span(question.answers[0]) if question.answers else (0, 0)
            self._lengths.append(len(window.tokens))
            self._labels.append((start, last_token, number, window.first))
            if self._held_out:
                after = len(window.tokens) - window.first - len(window.characters)
                self._characters += [*[(0, 0)] * window.first, *window.characters, *[(0, 0)] * after]
        if self._held_out:
            self._questions.append(json.dumps([question.text, question.label]))
        return np.array([token for window in windows for token in window.tokens], dtype=encoding.dtype).tobytes()


class _ModelSamples(_Samples):
    """The same with the tokenizer of a model, which reads a text as a whole."""

    def __init__(self, task: LabelledTask, *, held_out: bool) -> None:
        super().__init__(task, held_out=held_out)
        self._parts = list[str]()
        self._is_enough = False

    def add(self, text: str, label: str, *, last: bool) -> bytes:
        """Add the next part of a record; return the tokens of the whole with the last one."""
        tokenizer = shared_model_encoding(self._task.directory, self._task.token_dtype).model
        if not self._is_enough:
            self._parts.append(text)
        if not last:
            self._is_enough = self._is_enough or tokenizer.is_enough(self._parts, self._max_tokens)
            return b""
        tokens = self._whole(tokenizer, "".join(self._parts), label)
        self._parts, self._is_enough = [], False
        return np.array(tokens, dtype=self._task.token_dtype).tobytes()

    def _whole(self, tokenizer: ModelTokenizer, text: str, label: str) -> list[int]:
        """Return the tokens of a record, and note it."""
        tokens, shortened = tokenizer.encode(text, self._max_tokens)
        self._end(len(tokens), label, shortened=shortened)
        return tokens


class _PairSamples(_ModelSamples):
    """The lengths of the samples of one split, each a text to read and one to write, and those of the texts to read."""

    def _whole(self, tokenizer: ModelTokenizer, text: str, label: str) -> list[int]:
        """Return the tokens of both texts, and note the pair."""
        (source, source_is_cut), (target, target_is_cut) = (
            tokenizer.encode(part, self._max_tokens) for part in (text, label)
        )
        self._records += 1
        self._lengths.append(len(source) + len(target))
        self._labels.append(len(source))
        self.shortened += source_is_cut or target_is_cut
        if self._held_out:
            self._questions.append(json.dumps([text, label]))
        return source + target


KINDS: Mapping[LabelKind, type[_Samples]] = {"tags": _TaggedSamples, "span": _QuestionSamples, "text": _PairSamples}
"""What writes the samples, by the kind of their labels, unless a text has one label."""


def _is_complete(task: LabelledTask, result: LabelledShard) -> bool:
    return all(
        size_of(path) == written.size
        for fate in (TRAINING, HELD_OUT)
        for path, written in zip(task.files(fate), result.split(fate).written, strict=True)
    )
