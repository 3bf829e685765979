"""The dataset directory of item sequences, from the events of all shards: one sequence a user, in order of time.

Memory holds the different items, and the events of a part of the users: about `EVENTS_PER_PART`, or those of one user.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.assembly import dataset_writer
from llmtrain_trainer.data.dataset import HELD_OUT_FILE, TRAINING_FILE, DatasetFile, token_type
from llmtrain_trainer.data.item_dataset import COUNT, COUNTS_FILE
from llmtrain_trainer.data.item_shards import EVENT, ItemShard, ItemTask
from llmtrain_trainer.data.labelled_dataset import OFFSET, offsets_file
from llmtrain_trainer.data.progress import Phase
from llmtrain_trainer.data.report import DataReport
from llmtrain_trainer.data.tokenizer import save_tokenizer, vocabulary_tokenizer
from llmtrain_trainer.data.unigram import unigram_loss
from llmtrain_trainer.data.written_files import digest_of
from llmtrain_trainer.errors import BadInput, TrainerError

EVENTS_PER_PART = 2**22
MAX_ITEMS = 2**20
"""Different items, as of `data.tokenizer.vocabSize`."""


@dataclass(frozen=True, kw_only=True)
class ItemSource:
    """All shards of a source of events, in order."""

    tasks: Sequence[ItemTask]
    results: Sequence[ItemShard]
    events_per_part: int = EVENTS_PER_PART

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(result.events.size for result in self.results)

    @cached_property
    def items(self) -> list[str]:
        """All items, the most frequent first. BadInput if there are too many or too few."""
        counts: Counter[str] = Counter()
        for task, result in zip(self.tasks, self.results, strict=True):
            self._require_unchanged(task, result)
            items = json.loads(task.items_file.read_bytes())
            numbers = np.bincount(self._events(task)["item"], minlength=len(items))
            counts.update(dict(zip(items, numbers.tolist(), strict=True)))
        if len(counts) < 2:
            raise BadInput(
                f"spec.data.columns.item: all {counts.total()} records have one item, so there is nothing to learn; name the "
                "column that holds the items"
            )
        if len(counts) >= MAX_ITEMS:
            raise BadInput(
                f"spec.data.columns.item: {len(counts)} different items, more than {MAX_ITEMS - 1}; name the column that holds "
                "the items, or leave out rare ones"
            )
        return sorted(counts, key=lambda item: (-counts[item], item))

    def assemble(
        self, *, dataset: str, directory: Path, replace: bool, report: DataReport, phase: Phase
    ) -> DatasetFile:
        """Write the dataset directory; `replace` an incomplete one. TrainerError if a shard is damaged."""
        workspace, vocab_size = self.tasks[0].directory, len(self.items) + 1
        save_tokenizer(vocabulary_tokenizer(self.items), workspace)
        dtype = np.dtype(token_type(vocab_size)).newbyteorder("<")
        counts, held_out_counts = (np.zeros(vocab_size, dtype=COUNT) for _ in range(2))
        users, written = 0, np.zeros(1, dtype=OFFSET)
        with dataset_writer(workspace, directory, replace=replace, report=report) as writer:
            paths = [writer.directory / name for name in (TRAINING_FILE, HELD_OUT_FILE, offsets_file(TRAINING_FILE))]
            with paths[0].open("wb") as training, paths[1].open("wb") as held_out, paths[2].open("wb") as offsets:
                offsets.write(written.tobytes())
                for tokens, is_last, lengths in self._parts(phase):
                    for file, chosen, seen in ((training, ~is_last, counts), (held_out, is_last, held_out_counts)):
                        file.write(tokens[chosen].astype(dtype).tobytes())
                        seen += np.bincount(tokens[chosen], minlength=vocab_size)
                    ends = written + np.cumsum(lengths - 1, dtype=OFFSET)
                    offsets.write(ends.tobytes())
                    users, written = users + len(lengths), ends[-1:]
            if not users:
                raise BadInput(
                    "spec.data.columns.user: no user has two records, of which the last could be held out; name the column "
                    "that holds the users"
                )
            if int(written[0]) == users:
                raise BadInput(
                    "spec.data.columns.user: no user has three records, so there is no next item to learn; add records"
                )
            (writer.directory / COUNTS_FILE).write_bytes(counts.tobytes())
            info = DatasetInfo(
                id=dataset,
                tokens=int(written[0]),
                held_out_tokens=users,
                vocab_size=vocab_size,
                unigram_loss=unigram_loss(counts, held_out_counts),
                samples=users,
                held_out_samples=users,
            )
            return writer.describe(info, token_type(vocab_size))

    def _parts(self, phase: Phase) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]]:
        """Yield the users in the order of their hashes, in parts: the tokens of their events by user and time, which of
        them is the last one of its user, and the events of each user. Users with one event are left out.
        """
        token_of = {item: number for number, item in enumerate(self.items, start=1)}
        tables = [
            np.array([token_of[item] for item in json.loads(task.items_file.read_bytes())], dtype="<u4")
            for task in self.tasks
        ]
        bits = (self.size // EVENT.itemsize // self.events_per_part).bit_length()
        for prefix in range(2**bits):
            found = []
            for task, table in zip(self.tasks, tables, strict=True):
                events = self._events(task)
                here = events[events["user"] >> np.uint64(64 - bits) == prefix] if bits else np.array(events)
                here["item"] = table[here["item"]]
                found.append(here)
            part = np.concatenate(found)
            if len(part):
                yield _sorted_by_user(part)
            phase.done = self.size * (prefix + 1) // 2**bits

    def _events(self, task: ItemTask) -> NDArray[np.void]:
        if not task.events_file.stat().st_size:
            return np.empty(0, dtype=EVENT)
        return np.memmap(task.events_file, dtype=EVENT, mode="r")

    def _require_unchanged(self, task: ItemTask, result: ItemShard) -> None:
        for path, written in ((task.events_file, result.events), (task.items_file, result.items)):
            if digest_of(path) != written:
                task.result_file.unlink(missing_ok=True)
                raise TrainerError(f"{path} was changed after it was written; it is prepared again")


def _sorted_by_user(events: NDArray[np.void]) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return events by user and time, as `_parts` yields them; of equal times, the first record is the first event."""
    events = events[np.lexsort((events["time"], events["user_low"], events["user"]))]
    is_last = np.ones(len(events), dtype=bool)
    is_last[:-1] = (events["user"][1:] != events["user"][:-1]) | (events["user_low"][1:] != events["user_low"][:-1])
    lengths = np.diff(np.flatnonzero(is_last), prepend=-1)
    kept = np.repeat(lengths > 1, lengths)
    return events["item"][kept].astype(np.int64), is_last[kept], lengths[lengths > 1]
