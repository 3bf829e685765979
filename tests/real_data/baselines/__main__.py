"""Print the baselines of all sets that `make data` has made: `python -m real_data.baselines [SET ...]`, a line for each."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from real_data.baselines import items, labels, texts
from real_data.baselines.baseline import Baseline
from real_data.cache import Cache, default_cache
from real_data.readers import Labelled, read_class_csv, read_columns, read_label_folders, read_trees

PARTS = ("train", "test")


def _classified(folder: Path, paths: str, read: Callable[[Path], list[Labelled]]) -> list[Baseline]:
    """Classify a set; `paths` is the path of a part, with `*` in place of its name."""
    training, test = (read(folder / paths.replace("*", part)) for part in PARTS)
    return labels.classification(folder.name, training, test)


def _known_words(folder: Path) -> list[Baseline]:
    return items.known_words(folder, folder.with_name("vectors"))


BASELINES: Mapping[str, Callable[[Path], list[Baseline]]] = {
    "film-2": partial(_classified, paths="*", read=read_label_folders),
    "film-5": partial(_classified, paths="*.txt", read=read_trees),
    "film-ratings": labels.mean_rating,
    "food-reviews": partial(_classified, paths="*.csv", read=partial(read_columns, text="review", label="score")),
    "sms-spam": partial(_classified, paths="*.tsv", read=partial(read_columns, text="text", label="label")),
    "trec": partial(_classified, paths="*.jsonl.gz", read=partial(read_columns, text="text", label="coarse")),
    "newsgroups": partial(_classified, paths="*.csv", read=read_class_csv),
    "reuters-r8": partial(_classified, paths="*.csv", read=read_class_csv),
    "sarcasm": partial(_classified, paths="*.jsonl", read=partial(read_columns, text="headline", label="is_sarcastic")),
    "brown": partial(labels.most_frequent_tag, suffix="conll", score_name="accuracy"),
    "entities": partial(labels.most_frequent_tag, suffix="txt", score_name="entityF1"),
    "bible-en-es": texts.translation,
    "software-en-de": texts.translation,
    "synopses": texts.summary,
    "manual-pages": texts.option,
    "manual-pages-2": texts.option,
    "movielens": items.recommendation,
    "prose": _known_words,
}
"""How the baselines of each set are computed from its folder."""


def baselines(name: str, cache: Cache) -> list[Baseline]:
    """Return the baselines of a set that is complete."""
    return BASELINES[name](cache.set(name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the baselines of the named sets."""
    parser = argparse.ArgumentParser(
        prog="python -m real_data.baselines",
        description="Print the scores of trivial methods on the test parts of the sets of `make data`.",
    )
    parser.add_argument("sets", nargs="*", metavar="SET", choices=[*BASELINES, []], help="names of sets (default: all)")
    options = parser.parse_args(arguments)
    cache = default_cache()
    for name in options.sets or BASELINES:
        if cache.record(name) is None:
            print(f"error: {name} is not there: run `make data SETS={name}`", file=sys.stderr)
            return 1
        for baseline in baselines(name, cache):
            print(baseline, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
