"""What networks of `transformers` have in common: dropout, padding, initial weights, and whether they can be computed.

Letters of shape suffixes: B sequences, L positions.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import CONFIG_FILE, FIELD
from llmtrain_trainer.models.untrained import weights_of


def greatest_dropout(config: Any) -> float:
    """Return the greatest dropout probability that a configuration has."""
    values = (value for name, value in config.to_dict().items() if "drop" in name)
    return max((float(value) for value in values if isinstance(value, (int, float))), default=0.0)


def padded(tokens_BL: Tensor, lengths_B: Tensor, padding: int) -> tuple[Tensor, Tensor]:
    """Return tokens with the library's padding, and 1 where there is a token, 0 elsewhere (B, L)."""
    is_token_BL = torch.arange(tokens_BL.shape[1], device=tokens_BL.device) < lengths_B[:, None]
    return tokens_BL.masked_fill(~is_token_BL, padding), is_token_BL.long()


def set_initial_weights(
    network: nn.Module, seed: int, build: Callable[[], nn.Module], load: Callable[[], Mapping[str, Tensor]]
) -> None:
    """Set weights to those of `load`, by name, and others to those of a network that the library builds, a function of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(hashlib.blake2b(f"{seed}/initial".encode(), digest_size=8).digest()) >> 1)
        weights = {**weights_of(build()), **load()}
    with torch.no_grad():
        for name, weight in weights_of(network).items():
            weight.copy_(weights[name])


def require_explainable(network: Any, tokens_1L: Tensor, folder: Path) -> None:
    """BadInput if a network does not give the same outputs for embedded tokens as for the tokens themselves."""
    lengths_1 = torch.tensor([tokens_1L.shape[1]])
    try:
        found = network.read(network.embed(tokens_1L), lengths_1)
        same = torch.allclose(found, network(tokens_1L, lengths_1), rtol=1e-3, atol=1e-4)
    except Exception:  # the library raises anything for inputs that an architecture does not take
        same = False
    if not same:
        raise BadInput(
            f"spec.evaluation.explain: the architecture in '{folder / CONFIG_FILE}' can't compute a text from embedded tokens, by which "
            "answers are explained; remove explain, or name a folder with an encoder, such as bert"
        )


def require_computed(
    compute: Callable[[Tensor, Tensor], object], folder: Path, tokens: Sequence[Sequence[int]]
) -> None:
    """BadInput if the network in a folder can't be computed: `compute` takes sequences of tokens, padded, and their lengths."""
    lengths = torch.tensor([len(sequence) for sequence in tokens])
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(sequence) for sequence in tokens], batch_first=True)
    try:
        with torch.no_grad():
            compute(padded, lengths)
    except BadInput:
        raise
    except Exception as error:  # the library raises anything for settings that do not fit together
        raise BadInput(
            f"{FIELD}: the model that '{folder / CONFIG_FILE}' describes can't be computed: {type(error).__name__}: "
            f"{first_line(error)}; correct the settings, or name a folder with another model"
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of what the library says."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300].rstrip(".")
