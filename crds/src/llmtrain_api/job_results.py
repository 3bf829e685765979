"""Status of what the stages of a job made: the tokenized dataset and the trained model."""

from typing import Annotated

from pydantic import Field

from llmtrain_api.model import Model


class ModelSourceStatus(Model):
    """Where the job in `spec.model.from` published its model."""

    volume: Annotated[str, Field(max_length=63)]
    """Volume that holds the model."""
    path: Annotated[str, Field(max_length=1024)]
    """Directory of the model on the volume."""


class DatasetStatus(Model):
    """The tokenized dataset."""

    id: Annotated[str, Field(max_length=64)]
    """Hash of the text and the tokenizer settings."""
    tokens: int
    """Tokens for training."""
    held_out_tokens: int
    """Tokens for evaluation."""
    vocab_size: int
    """Size of the vocabulary."""
    documents: Annotated[int, Field(ge=0)] = 0
    """Documents that are used."""
    duplicates: Annotated[int, Field(ge=0)] = 0
    """Documents left out because an earlier one has the same text, apart from the whitespace around it."""
    replaced_bytes: Annotated[int, Field(ge=0)] = 0
    """Invalid bytes of the text that were replaced by U+FFFD."""
    left_out: Annotated[int, Field(ge=0)] = 0
    """Files, lines and rows that were left out because they are no text, or not valid."""
    bad_records: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[int, Field(ge=0)]], Field(max_length=16)
    ] = Field(default_factory=dict)
    """Those of them that are text but no records of the task, by reason: brokenRecord, noText, noLabel, noNumber, tagCount, wrongAnswer, noUser, noItem or noTime."""
    samples: Annotated[int, Field(ge=0)] = 0
    """Records to train on; users of the task recommendation; 0 for text."""
    held_out_samples: Annotated[int, Field(ge=0)] = 0
    """Records for evaluation."""
    classes: Annotated[int, Field(ge=0)] = 0
    """Different labels of the records."""
    shortened: Annotated[int, Field(ge=0)] = 0
    """Records of which only the first `spec.data.maxTokens` tokens are used."""
    missing_class: Annotated[str, Field(max_length=1024)] = ""
    """Which label the training records or the held-out ones lack, so that its scores say nothing; empty if both have all."""
    first_finding: Annotated[str, Field(max_length=1024)] = ""
    """File, place and reason of the first that was replaced or left out. The others are in the log of the prepare stage and in report.json in the directory of the dataset."""


class VectorsStatus(Model):
    """How much of the training text has a vector in `spec.model.vectors`."""

    words: Annotated[str, Field(max_length=8)]
    """Fraction of the different words that the model knows."""
    tokens: Annotated[str, Field(max_length=8)]
    """Fraction of all words of the training records."""


class ModelStatus(Model):
    """The trained model."""

    volume: Annotated[str, Field(max_length=63)]
    """Volume that holds the model."""
    path: Annotated[str, Field(max_length=1024)]
    """Directory of the model on the volume, in the Hugging Face layout."""
    parameters: int
    """Number of parameters."""
    step: Annotated[int, Field(ge=0)] = 0
    """Steps done by the checkpoint that was published; 0 if an earlier version published it."""
    ending: Annotated[str, Field(max_length=256)] = ""
    """How the training ended, and at which step it was best, with `spec.evaluation.stopAfter`."""
    sha256: Annotated[str, Field(max_length=64)] = ""
    """SHA-256 of the exported weights. With reduction Exact it does not depend on failures or scaling."""
    loss: Annotated[str, Field(max_length=32)]
    """Held-out loss, in nats per token, per word or per sample; of the task regression the mean squared error of standardized numbers."""
    perplexity: Annotated[str, Field(max_length=32)] = ""
    """Held-out perplexity of the tasks pretrain and masked: e to the power of the loss."""
    unigram_perplexity: Annotated[str, Field(max_length=32)] = ""
    """Held-out perplexity of a unigram model, for comparison."""
    metrics: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=32)]], Field(max_length=32)
    ] = Field(default_factory=dict)
    """Scores on held-out samples, of other tasks. Names that begin with `majority`, `mean`, `mostFrequentTag`, `noAnswer`, `copy`, `firstWords`, `popular` or `next` are those of a trivial baseline. evaluation.json in the directory of the model has all scores, with intervals."""
    vectors: VectorsStatus | None = None
    """How much of the training text has a vector in `spec.model.vectors`. Unset without it."""
    sample: Annotated[str, Field(max_length=2048)] = ""
    """Text that the model generated, including the prompt."""
