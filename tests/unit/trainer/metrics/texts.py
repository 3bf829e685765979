"""Texts that a model could have written, beside the ones it should have."""

import random

WORDS = [
    "the",
    "The",
    "a",
    "cat",
    "cats",
    "dog's",
    "dog",
    "3.5",
    "U.S.",
    "río",
    "naïve",
    "sat",
    "on",
    "—",
    "x-ray",
    "mat.",
    "\n",
]


def random_texts(seed: int, count: int) -> tuple[list[str], list[str]]:
    """Return written texts of 0 to 14 words, and predicted ones in which a third of the words is changed or missing."""
    rng = random.Random(seed)
    written = [rng.choices(WORDS, k=rng.randrange(15)) for _ in range(count)]
    predicted = [[rng.choice([word, word, rng.choice(WORDS), ""]) for word in words] for words in written]
    return [" ".join(words) for words in predicted], [" ".join(words) for words in written]
