"""Item sequences as a shape: the events of each user, in order of time, are a sequence, and items are the tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import TRAINING_FILE, DatasetFile
from llmtrain_trainer.data.event_records import EventLayout
from llmtrain_trainer.data.item_assembly import ItemSource
from llmtrain_trainer.data.item_dataset import windows_of_users
from llmtrain_trainer.data.item_shards import ItemShard, ItemTask, number_events
from llmtrain_trainer.data.labelled_dataset import open_offsets
from llmtrain_trainer.data.scan import UnitScan
from llmtrain_trainer.data.shards import Shard, TokenizeTask
from llmtrain_trainer.data.split import TRAINING, Split, first_of_each_text


@dataclass(frozen=True, kw_only=True)
class ItemShape:
    """Events for the task recommendation. Implements `SampleShape`."""

    records: EventLayout
    context_length: int
    """Items that the model reads at most."""
    settings: ClassVar[tuple[object, ...]] = ("items",)
    trains_tokenizer: ClassVar[bool] = False
    writes_labels: ClassVar[bool] = False
    tokenizer: ClassVar[None] = None

    def split(self, documents: NDArray[np.void], held_out_documents: int) -> Split:
        """Return the split: events of one user with one item at one time are one event, and the last one of a user is held
        out later, because a shard does not know it.
        """
        fates = np.zeros(len(documents), dtype=np.uint8)
        for numbers in first_of_each_text(documents):
            fates[numbers] = TRAINING
        kept = fates == TRAINING
        return Split(
            fates=fates,
            training_size=int(documents["size"].sum(where=kept)),
            held_out_size=0,
            duplicates=int(np.count_nonzero(documents["size"])) - int(np.count_nonzero(kept)),
        )

    def tasks(self, shards: Sequence[Shard], directory: Path, scans: Sequence[UnitScan]) -> Sequence[ItemTask]:
        """Return the shards to number, in `directory`."""
        return [ItemTask(shard=shard, directory=directory, token_dtype="uint32") for shard in shards]

    @property
    def tokenize(self) -> Callable[[TokenizeTask], ItemShard]:
        """The function that numbers the items of a shard."""
        return cast(Callable[[TokenizeTask], ItemShard], number_events)

    def samples(self, tasks: Sequence[TokenizeTask], results: Sequence[ItemShard]) -> ItemSource:
        """Return the events of all shards. BadInput if there are too many or too few items."""
        source = ItemSource(tasks=cast(Sequence[ItemTask], tasks), results=results)
        _ = source.items
        return source

    def samples_per_epoch(self, file: DatasetFile, directory: Path) -> int:
        """Return the windows that the sequences of users are cut into."""
        return int(windows_of_users(open_offsets(directory, TRAINING_FILE), self.context_length).sum())

    def require_usable(self, file: DatasetFile) -> None:
        """Do nothing: the samples do not depend on other settings of the job."""

    def describe(self, info: DatasetInfo) -> str:
        """Return the numbers of users and items."""
        return f"{info.tokens} records of {info.samples} users to train on, in {info.vocab_size - 1} items; the last of each is held out"
