"""The loss of skip-gram is that of its definition, pair by pair."""

import math

import numpy as np
import torch

from llmtrain_api.model_sizes import VectorSizes
from llmtrain_trainer.models.skipgram import SkipGram


def test_the_loss_is_the_sum_over_all_pairs_of_a_word_and_a_neighbour() -> None:
    model = SkipGram(VectorSizes(width=4), 6)
    model.init_weights(3)
    torch.nn.init.normal_(model.embed_neighbours.weight)
    words, reach, negatives = [1, 2, 3, 1, 0, 0, 4, 5, 0, 0], [2, 1, 2, 1, 2, 2, 2, 1, 1, 2], [2, 5, 2]
    vectors, neighbours = (
        table.weight.detach().double().numpy() for table in (model.embed_tokens, model.embed_neighbours)
    )
    expected, pairs = 0.0, 0
    for place, word in enumerate(words):
        for other in range(max(0, place - reach[place]), min(len(words), place + reach[place] + 1)):
            if other == place or not word or not words[other]:
                continue
            noise = np.mean([math.log1p(math.exp(vectors[word] @ neighbours[drawn])) for drawn in negatives])
            expected += math.log1p(math.exp(-vectors[word] @ neighbours[words[other]])) + 5 * noise
            pairs += 1
    loss, terms = model.loss(torch.tensor(words), torch.tensor(reach), torch.tensor(negatives), 5)
    assert int(terms) == pairs == 10
    assert math.isclose(float(loss.detach()), expected, rel_tol=1e-5)


def test_the_first_weights_say_nothing_and_depend_on_the_seed() -> None:
    first, second = SkipGram(VectorSizes(width=8), 5), SkipGram(VectorSizes(width=8), 5)
    first.init_weights(1)
    second.init_weights(2)
    assert not torch.equal(first.embed_tokens.weight, second.embed_tokens.weight)
    loss, pairs = first.loss(torch.tensor([1, 2, 0]), torch.tensor([1, 1, 1]), torch.tensor([3]), 5)
    assert (float(loss.detach()), int(pairs)) == (2 * 6 * float(np.float32(math.log(2))), 2)
