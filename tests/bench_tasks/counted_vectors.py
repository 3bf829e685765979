"""Word vectors without training: counts of words near each other, reweighted and reduced (Levy, Goldberg and Dagan 2015)."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from bench_tasks.judges import TOKEN_TYPE, dataset_of, similarity
from bench_tasks.row import Finished, JobRow
from llmtrain_trainer.data.dataset import TRAINING_FILE
from llmtrain_trainer.data.tokenizer import load_tokenizer, words_of
from real_data.baselines.baseline import Baseline
from real_data.cache import Cache

WINDOW, WIDTH = 5, 100
SMOOTHING = 0.75
"""The power of the frequencies of neighbours, as in the negative samples of word2vec."""


def ppmi_svd(row: JobRow, job: Finished, cache: Cache) -> list[Baseline]:
    """Return the score of vectors that are counted in the tokens that the job was trained on."""
    dataset = dataset_of(job)
    tokens = np.fromfile(dataset / TRAINING_FILE, dtype=TOKEN_TYPE).astype(np.int64)
    words = words_of(load_tokenizer(dataset))
    vectors = reduced(ppmi(neighbours(tokens, len(words) + 1, WINDOW)), WIDTH)
    score = similarity(dict(zip(words, vectors[1:], strict=True)), cache.set("vectors"))
    return [Baseline(set_name=row.data, method="PPMI and SVD", samples=len(words), scores={row.score: score.value})]


def neighbours(tokens: np.ndarray, size: int, window: int) -> sparse.csr_array:
    """Return how often tokens (N,) stand near each other (size, size), nearer ones counting more; 0 is an unknown word."""
    counts = sparse.csr_array((size, size))
    for distance in range(1, window + 1):
        first, second = tokens[:-distance], tokens[distance:]
        known = (first > 0) & (second > 0)
        weights = np.full(int(known.sum()), (window + 1 - distance) / window)
        counts += sparse.coo_array((weights, (first[known], second[known])), shape=(size, size)).tocsr()
    return counts + counts.T


def ppmi(counts: sparse.csr_array) -> sparse.csr_array:
    """Return the positive pointwise mutual information of each pair, with smoothed frequencies of neighbours."""
    pairs = counts.tocoo()
    of_words = counts.sum(axis=1)
    of_neighbours = counts.sum(axis=0) ** SMOOTHING
    expected = of_words[pairs.row] * of_neighbours[pairs.col] / of_neighbours.sum()
    values = np.maximum(np.log(pairs.data / expected), 0.0)
    return sparse.coo_array((values, (pairs.row, pairs.col)), shape=counts.shape).tocsr()


def reduced(table: sparse.csr_array, width: int) -> np.ndarray:
    """Return a vector for each row (rows, width), of the table's largest singular values."""
    left, values, _ = svds(table, k=width, rng=np.random.default_rng(0))
    return np.asarray(left * np.sqrt(values))
