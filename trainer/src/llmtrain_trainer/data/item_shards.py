"""The events of a shard: for each the hash of its user, its time and the number of its item in the shard's own list."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llmtrain_api.model import Model
from llmtrain_trainer.data.event_records import Event
from llmtrain_trainer.data.shards import TokenizeTask
from llmtrain_trainer.data.split import TRAINING
from llmtrain_trainer.data.written_files import WrittenFile, atomic_file, digest_of, read_model, size_of, write_model

EVENT = np.dtype([("user", "<u8"), ("user_low", "<u8"), ("time", "<f8"), ("item", "<u4")])
"""An event: both halves of the hash of its user, its time in seconds, and the number of its item."""
EVENTS_PER_BLOCK = 2**16


@dataclass(frozen=True, kw_only=True)
class ItemTask(TokenizeTask):
    """A shard of events. Tokens are known when all items are."""

    @property
    def events_file(self) -> Path:
        """The file of the events, (events,) of type `EVENT`."""
        return self.tokens_file(TRAINING)

    @property
    def items_file(self) -> Path:
        """The file of the different items, a JSON list in the order in which they occur first."""
        return self.events_file.with_suffix(".items")


class ItemShard(Model):
    """The description of a shard's events."""

    events: WrittenFile
    items: WrittenFile


def number_events(task: ItemTask) -> ItemShard:
    """Write the events of a shard unless they exist."""
    before = read_model(ItemShard, task.result_file)
    if before is not None and (size_of(task.events_file), size_of(task.items_file)) == (
        before.events.size,
        before.items.size,
    ):
        return before
    numbers: dict[str, int] = {}
    block: list[tuple[int, int, float, int]] = []
    with atomic_file(task.events_file) as file:
        for part in task.shard.parts():
            event = Event.decode(part.text)
            digest = hashlib.blake2b(event.user.encode(), digest_size=16).digest()
            user, user_low = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
            block.append((user, user_low, event.time, numbers.setdefault(event.item, len(numbers))))
            if len(block) == EVENTS_PER_BLOCK:
                file.write(np.array(block, dtype=EVENT).tobytes())
                block.clear()
        file.write(np.array(block, dtype=EVENT).tobytes())
    with atomic_file(task.items_file) as file:
        file.write(json.dumps(list(numbers), ensure_ascii=False).encode())
    result = ItemShard(events=digest_of(task.events_file), items=digest_of(task.items_file))
    write_model(result, task.result_file)
    return result
