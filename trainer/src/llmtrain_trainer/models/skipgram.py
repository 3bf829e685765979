"""Skip-gram with negative sampling (Mikolov et al. 2013): each word has a vector as a word, and one as a neighbour.

The negatives are drawn once for all words of a batch (Ji et al. 2016), so their share of the loss is one product of matrices.

Letters of shape suffixes: N words in order, with zeros between windows, K negatives, D width, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtrain_api.model_sizes import VectorSizes
from llmtrain_trainer.models.init_weights import init_weights


class SkipGram(nn.Module):
    """The vectors of words, with uninitialized weights."""

    def __init__(self, sizes: VectorSizes, vocab_size: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocab_size, sizes.width)
        self.embed_neighbours = nn.Embedding(vocab_size, sizes.width)

    def init_weights(self, seed: int) -> None:
        """Set the initial weights, a function of the seed: short random vectors of words, and zeros as neighbours."""
        init_weights(self, seed, 1, embedding_std=self.embed_tokens.weight.shape[1] ** -1.0)
        nn.init.zeros_(self.embed_neighbours.weight)

    def loss(self, words_N: Tensor, reach_N: Tensor, negatives_K: Tensor, negatives: int) -> tuple[Tensor, Tensor]:
        """Return the loss in nats, summed over all pairs of a word and a neighbour, and the number of pairs.

        A word has as neighbours those that are at most its `reach_N` away; token 0 is none. Each pair counts `negatives`
        times against the negatives, of which each is equally likely.
        """
        word_ND, neighbour_ND = self.embed_tokens(words_N), self.embed_neighbours(words_N)
        is_word_N, weights_N = words_N > 0, torch.zeros_like(words_N)
        loss = word_ND.new_zeros(())
        for distance in range(1, int(reach_N.max()) + 1):
            both_N = is_word_N[:-distance] & is_word_N[distance:]
            for word, neighbour in (
                (slice(None, -distance), slice(distance, None)),
                (slice(distance, None), slice(None, -distance)),
            ):
                pair_N = both_N & (reach_N[word] >= distance)
                logits_N = (word_ND[word] * neighbour_ND[neighbour]).sum(-1).float()
                loss = loss + (functional.softplus(-logits_N) * pair_N).sum()
                weights_N[word] += pair_N
        noise_NK = functional.softplus((word_ND @ self.embed_neighbours(negatives_K).T).float())
        return loss + (noise_NK.mean(1) * weights_N).sum() * negatives, weights_N.sum()
