"""How much each part of a text counts for the answer to it: integrated gradients (Sundararajan et al. 2017) and occlusion
(Zeiler & Fergus 2014).

Both work on the embedded tokens, and compare with the zero vector, which stands for no token.

Letters of shape suffixes: K variants of one text, L positions, D width, W parts of the text.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from llmtrain_trainer.data.labelled_dataset import LabelledSamples
from llmtrain_trainer.data.token_words import token_words
from llmtrain_trainer.training.objective import Input, WholeText
from llmtrain_trainer.training.task import autocast

MAX_TOKENS = 512
"""Of a longer sample the beginning is explained, because occlusion computes it once for each word."""
POINTS = 50
"""Points of the integral in each part of the line, at the roots of a Legendre polynomial."""
PARTS = (1, 5)
"""Parts into which the line is divided, which are at most 250 points: more where the answer changes within a short way."""
TOLERANCE = 0.02
"""Error of the integral, as a fraction of the difference that it has to be, with which fewer parts are enough."""
VARIANTS = 16
"""Variants of a text that are computed at once at most: not more than the samples of a microbatch, for which there is memory."""

Answer = Callable[[Tensor], Tensor]
"""Takes embedded tokens (K, L, D); returns a number for each variant (K,)."""


def integrated_gradients(answer: Answer, x_LD: Tensor, parts: int, max_variants: int = VARIANTS) -> Tensor:
    """Return the attribution of each position (L,) float64: their sum is the answer minus that to zero vectors.

    The integral of the gradients on the line from zero vectors to `x_LD` is a Gauss–Legendre quadrature in each part, of which
    at most `max_variants` points are computed at once.
    """
    roots, weights = np.polynomial.legendre.leggauss(POINTS)
    places = (np.arange(parts)[:, None] + (roots + 1) / 2).flatten() / parts
    places_K, weights_K = (
        torch.from_numpy(values).to(x_LD.device)[:, None, None]
        for values in (places, np.tile(weights / 2 / parts, parts))
    )
    gradient_LD = torch.zeros_like(x_LD, dtype=torch.float64)
    for start in range(0, len(places), max_variants):
        x_KLD = (places_K[start : start + max_variants] * x_LD).to(x_LD.dtype).requires_grad_()
        (gradients_KLD,) = torch.autograd.grad(answer(x_KLD).sum(), x_KLD)
        gradient_LD += (weights_K[start : start + max_variants] * gradients_KLD).sum(0)
    return (gradient_LD * x_LD).sum(-1)


def complete_gradients(answer: Answer, x_LD: Tensor, difference: float, max_variants: int = VARIANTS) -> Tensor:
    """Return the attributions (L,) in as many parts as they need to add up to the `difference`, as the paper recommends."""
    for parts in PARTS:
        found_L = integrated_gradients(answer, x_LD, parts, max_variants)
        if abs(float(found_L.sum()) - difference) <= TOLERANCE * abs(difference):
            break
    return found_L


def occlusion(answer: Answer, x_LD: Tensor, parts: Sequence[tuple[int, int]], max_variants: int = VARIANTS) -> Tensor:
    """Return how much lower the answer is without each part (W,) float64: positions from a first one up to another."""
    found = []
    with torch.no_grad():
        whole = answer(x_LD[None])[0].double()
        for start in range(0, len(parts), max_variants):
            chunk = parts[start : start + max_variants]
            x_KLD = x_LD.repeat(len(chunk), 1, 1)
            for variant_LD, (first, stop) in zip(x_KLD, chunk, strict=True):
                variant_LD[first:stop] = 0
            found.append(whole - answer(x_KLD).double())
    return torch.cat(found)


@contextlib.contextmanager
def without_weight_gradients(model: "Explainable") -> Iterator[None]:
    """Let what is computed keep nothing for gradients of the weights of a network."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    try:
        for weight in weights:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


class Explainable(Protocol):
    """A network that reads embedded tokens (B, L, D) of sequences without padding, and gives outputs (B, outputs)."""

    def embed(self, tokens_BL: Tensor) -> Tensor:
        """Return the embedded tokens (B, L, D)."""

    def read(self, x_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the outputs, the same as of the tokens themselves."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield the weights."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """How much each word of a sample counts for the answer to it."""

    sample: int
    """Its number."""
    label: str | float
    answer: Mapping[str, Any]
    """As `predict` writes it."""
    strength: float
    """Of the answer: the probability of the class, or the number itself."""
    strength_of_nothing: float
    """The same if all tokens are zero vectors."""
    words: Sequence[str]
    """With the spaces before them; special tokens are words."""
    integrated_gradients: Sequence[float]
    """Of each word. Their sum is the difference of both strengths, up to the error of the integral."""
    occlusion: Sequence[float]
    """How much lower the strength is without each word."""


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """Explains answers of a network."""

    objective: WholeText
    model: Explainable
    tokenizer: Tokenizer
    device: torch.device
    precision: str
    max_variants: int = VARIANTS
    """Variants of a text that are computed at once at most."""

    def explain(self, samples: LabelledSamples, number: int) -> Explanation:
        """Return the explanation of the answer to a sample, by its number."""
        tokens = samples.sequences([number])[0][:MAX_TOKENS]
        words = token_words(self.tokenizer, tokens.tolist())
        with torch.no_grad():
            x_LD = self.model.embed(torch.from_numpy(tokens.astype(np.int64)).to(self.device)[None])[0]
            outputs = self._read(x_LD[None])

        def strengths(x_KLD: Tensor) -> Tensor:
            return self.objective.strengths(self._read(x_KLD), outputs)

        with torch.no_grad():
            strength, of_nothing = (float(strengths(each_LD[None])) for each_LD in (x_LD, torch.zeros_like(x_LD)))
        with without_weight_gradients(self.model):
            gradients_L = complete_gradients(strengths, x_LD, strength - of_nothing, self.max_variants)
        return Explanation(
            sample=number,
            label=self.objective.label(samples, number),
            answer=self.objective.answers(outputs, [Input(tokens)])[0],
            strength=strength,
            strength_of_nothing=of_nothing,
            words=[word.text for word in words],
            integrated_gradients=[float(gradients_L[word.start : word.stop].sum()) for word in words],
            occlusion=occlusion(
                strengths, x_LD, [(word.start, word.stop) for word in words], self.max_variants
            ).tolist(),
        )

    def _read(self, x_KLD: Tensor) -> Tensor:
        lengths_K = torch.full((len(x_KLD),), x_KLD.shape[1], device=self.device)
        with autocast(self.device, self.precision):
            return self.model.read(x_KLD, lengths_K)
