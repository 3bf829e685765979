"""The network of a job that reads labelled sequences: one of llmtrain's own, or that of a folder in `spec.model.from`.

What the second needs is imported only by a job that has one, because it takes as long to import as torch.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from pydantic.alias_generators import to_camel
from torch import nn

from llmtrain_api.model_sizes import RecurrentSizes, encoder_sizes
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID
from llmtrain_trainer.models.classifier import build_classifier, sizes_for
from llmtrain_trainer.models.model_folder import FIELD, folder_of
from llmtrain_trainer.models.pooling import POOLINGS
from llmtrain_trainer.models.untrained import load_untrained
from llmtrain_trainer.training.initial_vectors import vectors_identity, with_vectors
from llmtrain_trainer.training.learners import PRETRAINED, SEQ2SEQ


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network with uninitialized weights: `model(tokens_BL, lengths_B, dropout)` returns outputs (B, ...)."""

    model: nn.Module
    identity: Mapping[str, str]
    """What its weights depend on, by the job's field."""
    dropout: float
    """Probability while it trains."""
    init_weights: Callable[[int], None]
    """Sets the initial weights, a function of a seed."""


def network_of(
    run: RunConfig,
    *,
    vocab_size: int,
    words: Callable[[], Sequence[str]],
    outputs: int,
    labels: Sequence[str],
    device: torch.device,
) -> Network:
    """Return the network that a job asks for, with a number of `outputs`: for a classifier, one for each of its `labels`.

    `words` gives those of its tokens from 1 on, if tokens are words. BadInput if its folder holds none, or sizes do not fit
    together.
    """
    if run.model.source is not None:
        return _from_folder(run, vocab_size=vocab_size, labels=labels, device=device)
    if run.model.of_library:
        return _bert(run, vocab_size=vocab_size, labels=labels, device=device)
    sizes = sizes_for(run.model)
    pooling = POOLINGS[run.task.name]
    model = build_classifier(run.model.name, sizes, vocab_size=vocab_size, pooling=pooling, outputs=outputs)
    return Network(
        model=model,
        identity=_named(run, sizes) | vectors_identity(run),
        dropout=float(run.training.dropout),
        init_weights=with_vectors(run, model, words),
    )


def pair_network(run: RunConfig, *, vocab_size: int, device: torch.device) -> Network:
    """Return the encoder-decoder that a job asks for, a `Seq2Seq`. BadInput if its folder holds none."""
    seq2seq, sizes = importlib.import_module(SEQ2SEQ), encoder_sizes(run.model)
    if run.model.source is not None:
        folder, task = folder_of(run), run.task.name
        config = seq2seq.folder_config(folder.directory, task, vocab_size=vocab_size, max_tokens=run.data.max_tokens)
        model, weights = (
            seq2seq.Seq2Seq(config, folder.directory).to(device),
            folder.directory if run.model.weights == "Load" else None,
        )
        if weights:
            load_untrained(model.network, lambda: seq2seq.load_weights(weights, config, task))
        return Network(
            model=model,
            identity={FIELD: folder.digest, "spec.model.weights": run.model.weights},
            dropout=model.dropout,
            init_weights=lambda seed: model.init_weights(seed, weights, task),
        )
    dropout = float(run.training.dropout)
    config = seq2seq.t5_config(sizes, vocab_size=vocab_size, end_of_text=END_OF_TEXT_ID, dropout=dropout)
    model = seq2seq.Seq2Seq(config).to(device)
    return Network(model=model, identity=_named(run, sizes), dropout=model.dropout, init_weights=model.init_weights)


def _named(run: RunConfig, sizes: RecurrentSizes) -> dict[str, str]:
    """Return name and sizes of an architecture by field."""
    of_sizes = {f"spec.model.{to_camel(name)}": str(value) for name, value in asdict(sizes).items()}
    return {"spec.model.name": run.model.name, **of_sizes}


def _bert(run: RunConfig, *, vocab_size: int, labels: Sequence[str], device: torch.device) -> Network:
    pretrained, sizes = importlib.import_module(PRETRAINED), encoder_sizes(run.model)
    config = pretrained.bert_config(
        sizes,
        run.task.name,
        labels,
        vocab_size=vocab_size,
        max_tokens=run.data.max_tokens,
        dropout=float(run.training.dropout),
    )
    model = pretrained.PretrainedClassifier(config, run.task.name).to(device)
    return Network(model=model, identity=_named(run, sizes), dropout=model.dropout, init_weights=model.init_weights)


def _from_folder(run: RunConfig, *, vocab_size: int, labels: Sequence[str], device: torch.device) -> Network:
    pretrained, folder = importlib.import_module(PRETRAINED), folder_of(run)
    config = pretrained.classifier_config(
        folder.directory, run.task.name, labels, vocab_size=vocab_size, max_tokens=run.data.max_tokens
    )
    separator = ModelTokenizer.open(folder.directory).separator
    model = pretrained.PretrainedClassifier(config, run.task.name, separator).to(device)
    weights = folder.directory if run.model.weights == "Load" else None
    if weights:
        load_untrained(model.network, lambda: pretrained.load_weights(weights, config, run.task.name))
    return Network(
        model=model,
        identity={FIELD: folder.digest, "spec.model.weights": run.model.weights},
        dropout=model.dropout,
        init_weights=lambda seed: model.init_weights(seed, weights),
    )
