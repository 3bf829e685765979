"""Encoder-decoders of `transformers`, which read a text and write another one: the library's class for the architecture.

So the published folder is one that the library loads, with the same logits. As pretrained.py, nothing of this module is
imported by a job whose model is llmtrain's own.

Letters of shape suffixes: B sequences, S source tokens, T target tokens, V vocabulary.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForSeq2SeqLM, T5Config
from transformers.generation.stopping_criteria import StoppingCriteria, StoppingCriteriaList

from llmtrain_api.model_sizes import EncoderSizes
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.library_network import (
    greatest_dropout,
    padded,
    require_computed,
    set_initial_weights,
)
from llmtrain_trainer.models.model_folder import CONFIG_FILE, FIELD
from llmtrain_trainer.models.pretrained import classifier_config, load_weights
from llmtrain_trainer.models.pretrained import import_architecture as import_of_folder
from llmtrain_trainer.models.written_tokens import greedy_search, read_rules


class Seq2Seq(nn.Module):
    """A network of the library that writes a text from another one, with weights that are not initialized yet."""

    def __init__(self, config: Any, folder: Path | None = None) -> None:
        """Build it. It writes by the rules in `folder`; BadInput if they are not valid."""
        super().__init__()
        network: Any = _from_config(config)
        rules = read_rules(folder) if folder else network.generation_config
        network.generation_config = greedy_search(config, rules, None)
        self.network: nn.Module = network
        self.config = config

    @property
    def dropout(self) -> float:
        """The greatest dropout probability that its configuration has."""
        return greatest_dropout(self.config)

    def forward(self, sources_BS: Tensor, lengths_B: Tensor, targets_BT: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the logits (B, T, V) in float32 of each target token, from the source and the target tokens before it.

        Dropout has the probabilities of the configuration, or is off if `dropout` is 0.
        """
        if self.network.training != (dropout > 0):
            self.network.train(dropout > 0)
        tokens_BS, mask_BS = padded(sources_BS, lengths_B, self.config.pad_token_id)
        start_B1 = torch.full_like(targets_BT[:, :1], self.config.decoder_start_token_id)
        before_BT = torch.cat([start_B1, targets_BT[:, :-1]], dim=1)
        outputs: Any = self.network(
            input_ids=tokens_BS, attention_mask=mask_BS, decoder_input_ids=before_BT, use_cache=False
        )
        logits_BTV: Tensor = outputs.logits
        return logits_BTV.float()

    def generate(
        self, sources_BS: Tensor, lengths_B: Tensor, max_tokens: int, ping: Callable[[], None] = lambda: None
    ) -> Tensor:
        """Return at most `max_tokens` tokens for each source, each the most probable one (greedy), up to the end of the text.

        `ping` is called for each token.
        """
        self.network.eval()
        tokens_BS, mask_BS = padded(sources_BS, lengths_B, self.config.pad_token_id)
        network: Any = self.network
        with torch.no_grad():
            generated_BT: Tensor = network.generate(
                input_ids=tokens_BS,
                attention_mask=mask_BS,
                generation_config=self.greedy_search(max_tokens),
                stopping_criteria=StoppingCriteriaList([_Ping(ping)]),
            )
        return generated_BT[:, 1:]

    def greedy_search(self, max_tokens: int) -> Any:
        """Return the library's settings to write at most `max_tokens` tokens, each the most probable one."""
        network: Any = self.network
        return greedy_search(self.config, network.generation_config, max_tokens)

    def init_weights(self, seed: int, folder: Path | None = None, task: str = "translation") -> None:
        """Set the initial weights: those in `folder` of a model for a task, or as the library draws them, a function of the seed.

        BadInput if the folder lacks weights, or has them in another shape.
        """
        set_initial_weights(
            self.network,
            seed,
            lambda: _from_config(self.config),
            lambda: load_weights(folder, self.config, task) if folder is not None else {},
        )


class _Ping(StoppingCriteria):
    """Stops nothing; reports that a token was generated."""

    def __init__(self, ping: Callable[[], None]) -> None:
        self._ping = ping

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
        self._ping()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def t5_config(sizes: EncoderSizes, *, vocab_size: int, end_of_text: int, dropout: float) -> Any:
    """Return the configuration of a T5 (Raffel et al. 2020) whose tokenizer ends texts with a token, without weights."""
    library: Any = T5Config  # whose types lack the fields of all models
    return library(
        vocab_size=vocab_size,
        d_model=sizes.width,
        d_kv=sizes.width // sizes.heads,
        d_ff=4 * sizes.width,
        num_layers=sizes.layers,
        num_heads=sizes.heads,
        dropout_rate=dropout,
        pad_token_id=end_of_text,
        eos_token_id=end_of_text,
        decoder_start_token_id=end_of_text,
    )


def import_architecture(task: str, folder: Path | None) -> None:
    """Import the library's module of the architecture in `folder`, or of T5. BadInput if it can't do the task."""
    if folder is not None:
        import_of_folder(task, folder)
    else:
        AutoModelForSeq2SeqLM._model_mapping[T5Config]


def folder_config(folder: Path, task: str, *, vocab_size: int, max_tokens: int) -> Any:
    """Return the configuration of the encoder-decoder in `folder`. BadInput if it is none, or does not fit its tokenizer."""
    config = classifier_config(folder, task, (), vocab_size=vocab_size, max_tokens=max_tokens)
    rules = read_rules(folder)
    for name in ("decoder_start_token_id", "eos_token_id"):
        if isinstance(number := getattr(rules, name, None), int):
            setattr(config, name, number)
        if getattr(config, name, None) is None:
            raise BadInput(
                f"{FIELD}: '{folder / CONFIG_FILE}' has no {name}, with which a text begins or ends; add the number of the token"
            )
    return config


def require_written(config: Any, task: str, folder: Path, *, weights: bool, tokens: Sequence[Sequence[int]]) -> None:
    """BadInput if the network of `config` can't be built, loaded or computed on sequences of tokens."""

    def compute(padded: Tensor, lengths: Tensor) -> None:
        network = Seq2Seq(config, folder)
        network.init_weights(0, folder if weights else None, task)
        network(padded, lengths, padded)
        network.generate(padded, lengths, 2)

    require_computed(compute, folder, tokens)


def _from_config(config: Any) -> nn.Module:
    library: Any = AutoModelForSeq2SeqLM  # without types
    network: nn.Module = library.from_config(config, dtype=torch.float32)
    return network
