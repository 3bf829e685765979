"""Running text as a shape: the tokens of all documents, one after another, are cut into windows when they are read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.assembly import TokenizedSource
from llmtrain_trainer.data.dataset import (
    DatasetFile,
    PreparedSource,
    require_windows,
    require_windows_of_each,
    token_type,
    window_count,
)
from llmtrain_trainer.data.documents import MaskedDocuments
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.scan import UnitScan
from llmtrain_trainer.data.shards import Shard, TokenizedShard, TokenizeTask, tokenize_shard
from llmtrain_trainer.data.split import Split, split_documents
from llmtrain_trainer.data.tokenizer import vocabulary_size


@dataclass(frozen=True, kw_only=True)
class TextShape:
    """Text for the tasks on running text. Implements `SampleShape`."""

    vocab_size: int
    """Tokens of the tokenizer at most."""
    held_out_percent: int
    context_length: int
    """Tokens of a window."""
    length_field: str | None
    """The field that sets them; None if none does."""
    tokenizer: ModelTokenizer | None = None
    """The tokenizer of the job's model; None if one is trained."""
    settings: tuple[object, ...] = ()
    """What the tokens depend on beside the text and the settings of the tokenizer."""
    records: MaskedDocuments | None = None
    """How the files hold documents; None if personal data are kept."""
    sources: tuple[str, ...] = ()
    """The names of the sources of a mixture."""
    trains_tokenizer: ClassVar[bool] = True
    writes_labels: ClassVar[bool] = False

    def split(self, documents: NDArray[np.void], held_out_documents: int) -> Split:
        """Return the split by size; no documents are given that are to be held out."""
        return split_documents(documents, self.held_out_percent)

    def tasks(self, shards: Sequence[Shard], directory: Path, scans: Sequence[UnitScan]) -> Sequence[TokenizeTask]:
        """Return what to tokenize, in `directory`."""
        dtype = token_type(self.vocab_size)
        of_model = self.tokenizer is not None
        return [
            TokenizeTask(shard=shard, directory=directory, token_dtype=dtype, of_model=of_model) for shard in shards
        ]

    @property
    def tokenize(self) -> Callable[[TokenizeTask], TokenizedShard]:
        """The function that tokenizes a shard."""
        return tokenize_shard

    def samples(self, tasks: Sequence[TokenizeTask], results: Sequence[TokenizedShard]) -> TokenizedSource:
        """Return the text of all shards. BadInput if a split is shorter than one window."""
        vocab_size = vocabulary_size(tasks[0].directory)
        source = TokenizedSource(tasks=tasks, results=results, vocab_size=vocab_size, sources=self.sources)
        self._require_windows(source.tokens(), source.prepared_sources)
        return source

    def samples_per_epoch(self, file: DatasetFile, directory: Path) -> int:
        """Return the windows of the training text, or of that of all sources."""
        parts = [source.tokens for source in file.sources] or [file.info.tokens]
        return sum(window_count(tokens, self.context_length) for tokens in parts)

    def require_usable(self, file: DatasetFile) -> None:
        """BadInput if a split, or the training text of a source, is shorter than one window."""
        self._require_windows((file.info.tokens, file.info.held_out_tokens), file.sources)

    def describe(self, info: DatasetInfo) -> str:
        """Return the numbers of tokens."""
        return f"{info.tokens} tokens to train on, {info.held_out_tokens} held out"

    def _require_windows(self, tokens: tuple[int, int], sources: Sequence[PreparedSource]) -> None:
        require_windows(*tokens, self.context_length, self.length_field)
        require_windows_of_each(sources, self.context_length, self.length_field)
