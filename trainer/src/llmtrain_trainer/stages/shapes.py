"""Which shape the samples of a task have, and by which settings a dataset differs from others."""

from collections.abc import Callable, Mapping

from llmtrain_api.model_sizes import sizes_of
from llmtrain_api.run_config import RunConfig
from llmtrain_api.tasks import WORD_KINDS
from llmtrain_trainer.data.documents import MaskedDocuments
from llmtrain_trainer.data.event_records import EventLayout
from llmtrain_trainer.data.item_shape import ItemShape
from llmtrain_trainer.data.labelled_shape import LabelledShape
from llmtrain_trainer.data.labels import LABEL_KINDS
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.personal_data import PersonalMasking
from llmtrain_trainer.data.records import RecordLayout
from llmtrain_trainer.data.shape import SampleShape
from llmtrain_trainer.data.text_shape import TextShape
from llmtrain_trainer.data.tokenizer import MAX_WORDS
from llmtrain_trainer.data.word_splitter import LIBRARIES, installed_splitter
from llmtrain_trainer.data.word_windows import WINDOW_TOKENS
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.config import config_for
from llmtrain_trainer.models.model_folder import folder_of, mask_token

FORMAT = 2
"""Part of the hash. Increment it when a change of the code changes the tokens of a text."""


def sample_shape(run: RunConfig) -> SampleShape:
    """Return the shape of the samples that the job's task learns from."""
    return SHAPES[run.task.name](run)


def _text(run: RunConfig) -> TextShape:
    vocab_size = _vocab_size(run)
    return TextShape(
        vocab_size=vocab_size,
        held_out_percent=run.data.held_out_percent,
        records=_documents(run),
        context_length=config_for(run.model, vocab_size).context_length,
        length_field="spec.model.contextLength",
        sources=_sources(run),
    )


def _masked(run: RunConfig) -> TextShape:
    tokenizer = _model_tokenizer(run)
    special = sum(map(len, tokenizer.around)) if tokenizer else 0
    if tokenizer is not None and tokenizer.tokenizer.token_to_id(mask_token(folder_of(run).directory) or "") is None:
        raise BadInput(
            "spec.model.from: the folder names no mask_token of its tokenizer, which the task masked needs; add mask_token to "
            "its tokenizer_config.json, or name another folder"
        )
    return TextShape(
        vocab_size=tokenizer.vocab_size if tokenizer else _vocab_size(run),
        held_out_percent=run.data.held_out_percent,
        records=_documents(run),
        context_length=run.data.max_tokens - special,
        length_field="spec.data.maxTokens",
        tokenizer=tokenizer,
        settings=("masked",),
        sources=_sources(run),
    )


def _words(run: RunConfig) -> TextShape:
    return TextShape(
        vocab_size=_vocab_size(run),
        held_out_percent=run.data.held_out_percent,
        records=_documents(run),
        context_length=WINDOW_TOKENS,
        length_field=None,
        sources=_sources(run),
    )


def _sources(run: RunConfig) -> tuple[str, ...]:
    """Return the names of the sources of a mixture, in their order."""
    return tuple(run.data.weights)


def _documents(run: RunConfig) -> MaskedDocuments | None:
    masking = PersonalMasking.of(run.data)
    return MaskedDocuments(masking=masking) if masking else None


def _vocab_size(run: RunConfig) -> int:
    """Return how many tokens the tokenizer has at most."""
    tokenizer = run.data.tokenizer
    return MAX_WORDS if tokenizer.kind in WORD_KINDS else tokenizer.vocab_size


def _labelled(run: RunConfig) -> LabelledShape:
    data, tokenizer = run.data, _model_tokenizer(run)
    return LabelledShape(
        records=RecordLayout(
            label=data.columns.label,
            format=data.format,
            kind=LABEL_KINDS[run.task.name],
            question=data.columns.question,
            masking=PersonalMasking.of(data),
            slices=tuple(run.evaluation.slices),
        ),
        vocab_size=tokenizer.vocab_size if tokenizer else _vocab_size(run),
        held_out_percent=data.held_out_percent,
        held_out_path=data.held_out.path if data.held_out else None,
        max_tokens=data.max_tokens,
        tokenizer=tokenizer,
        sources=_sources(run),
    )


def _model_tokenizer(run: RunConfig) -> ModelTokenizer | None:
    """Return the tokenizer of the model in `spec.model.from`; None without it. BadInput if it can't be used."""
    if run.model.source is None:
        return None
    tokenizer = ModelTokenizer.open(folder_of(run).directory)
    tokenizer.require_room(run.data.max_tokens)
    return tokenizer


def _items(run: RunConfig) -> ItemShape:
    columns = run.data.columns
    return ItemShape(
        records=EventLayout(user=columns.user, item=columns.item, time=columns.time, format=run.data.format),
        context_length=sizes_of(run.model).context_length,
    )


SHAPES: Mapping[str, Callable[[RunConfig], SampleShape]] = {
    "pretrain": _text,
    "masked": _masked,
    **dict.fromkeys(LABEL_KINDS, _labelled),
    "recommendation": _items,
    "word-vectors": _words,
}
"""By the name of the task."""


def source_settings(run: RunConfig, shape: SampleShape) -> tuple[object, ...]:
    """Return what a dataset depends on beside the files: its contents, and how the files are read."""
    data = run.data
    reading: tuple[object, ...] = (data.columns.text, data.on_bad_text, data.source.bundled, data.source.path)
    if shape.records is not None:
        reading += (shape.records, data.on_bad_record, data.held_out)
    if data.personal_data == "Mask":
        reading += ("masked", *data.personal_patterns)
    if data.mixture is not None:
        reading += ("mixture", _sources(run))
    return *dataset_settings(run, shape), *reading


def dataset_settings(run: RunConfig, shape: SampleShape) -> tuple[object, ...]:
    """Return what the contents of a dataset depend on beside the documents: its id is a hash of both.

    BadInput if the library that splits text into words is not installed.
    """
    tokenizer, of_copies = run.data.tokenizer, () if run.data.duplicates == "Drop" else (run.data.duplicates,)
    if shape.tokenizer is not None:
        return FORMAT, "model", shape.tokenizer.digest, run.data.held_out_percent, *shape.settings, *of_copies
    of_tokenizer = (FORMAT, tokenizer.kind, tokenizer.vocab_size, tokenizer.sample_bytes, run.data.held_out_percent)
    of_words = (tokenizer.min_count,) if tokenizer.kind in WORD_KINDS else ()
    of_library = (installed_splitter(tokenizer.kind).version,) if tokenizer.kind in LIBRARIES else ()
    return of_tokenizer + of_words + of_library + shape.settings + of_copies
