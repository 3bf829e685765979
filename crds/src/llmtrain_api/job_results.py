"""Status of what the stages of a job made: the tokenized dataset and the trained model."""

from typing import Annotated

from pydantic import Field

from llmtrain_api.model import Model


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
    first_finding: Annotated[str, Field(max_length=1024)] = ""
    """File, place and reason of the first that was replaced or left out. The others are in the log of the prepare stage and in report.json in the directory of the dataset."""


class ModelStatus(Model):
    """The trained model."""

    volume: Annotated[str, Field(max_length=63)]
    """Volume that holds the model."""
    path: Annotated[str, Field(max_length=1024)]
    """Directory of the model on the volume, in the Hugging Face layout."""
    parameters: int
    """Number of parameters."""
    sha256: Annotated[str, Field(max_length=64)] = ""
    """SHA-256 of the exported weights. With reduction Exact it does not depend on failures or scaling."""
    loss: Annotated[str, Field(max_length=32)]
    """Held-out loss, in nats per token."""
    perplexity: Annotated[str, Field(max_length=32)]
    """Held-out perplexity: e to the power of the loss."""
    unigram_perplexity: Annotated[str, Field(max_length=32)]
    """Held-out perplexity of a unigram model, for comparison."""
    sample: Annotated[str, Field(max_length=2048)] = ""
    """Text that the model generated, including the prompt."""
