"""The sets are what their layout promises, read without the code that wrote them. They are large, so `make data` runs this."""

import gettext
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from real_data.readers import read_class_csv, read_conll, read_json_lines, read_lines, read_squad, read_trees

pytestmark = [pytest.mark.data, pytest.mark.timeout(300)]
SetFolder = Callable[[str], Path]


def test_the_model_maps_related_sentences_near_each_other(set_folder: SetFolder) -> None:
    import torch  # slow to import, and this module is collected by all runs of integration tests
    from transformers import AutoTokenizer, BertModel

    model = BertModel.from_pretrained(set_folder("minilm")).eval()
    assert sum(parameter.numel() for parameter in model.parameters()) == 22_713_216
    tokenizer = AutoTokenizer.from_pretrained(set_folder("minilm"))
    batch = tokenizer(
        ["A man eats food.", "Someone is having a meal.", "The sky is blue."], padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    means = (states * mask).sum(1) / mask.sum(1)
    related, unrelated = torch.cosine_similarity(means[:1], means[1:]).tolist()
    assert related > 0.4 > 0.2 > unrelated


def test_each_file_of_the_label_folders_is_a_text(set_folder: SetFolder) -> None:
    folder = set_folder("film-2")
    for part in ("train", "test"):
        assert {path.name for path in (folder / part).iterdir()} == {"neg", "pos"}
    assert all(path.stat().st_size > 1 for path in folder.rglob("*.txt"))
    assert (folder / "train/neg/2.txt").read_text() == "Effective but too tepid biopic"


def test_trees_have_the_words_of_the_rated_snippets(set_folder: SetFolder) -> None:
    trees = read_lines(set_folder("film-5") / "test.txt")
    labelled = read_trees(set_folder("film-5") / "test.txt")
    ratings = read_json_lines(set_folder("film-ratings") / "test.jsonl")
    for tree, (text, label), row in zip(trees, labelled, ratings, strict=True):
        assert tree.count("(") == tree.count(")") == 2 * len(text.split(" ")) - 1
        assert int(label) == sum(row["rating"] >= bound for bound in (-1.5, -0.5, 0.5, 1.5))
        assert re.findall(r"\w+", text.replace("-LRB-", "").replace("-RRB-", "")) == re.findall(r"\w+", row["text"])


@pytest.mark.parametrize("name", ["newsgroups", "reuters-r8"])
def test_rows_have_a_class_of_the_list(set_folder: SetFolder, name: str) -> None:
    classes = read_lines(set_folder(name) / "classes.txt")
    assert {label for _, label in read_class_csv(set_folder(name) / "test.csv")} == set(classes)


def test_tables_have_headers(set_folder: SetFolder) -> None:
    food = pd.read_csv(set_folder("food-reviews") / "test.csv")
    assert food.score.value_counts().to_dict() == {"great": 658, "other": 342}
    sms = pd.concat(
        pd.read_csv(set_folder("sms-spam") / f"{part}.tsv", sep="\t", keep_default_na=False)
        for part in ("train", "test")
    )
    assert sms.label.value_counts().to_dict() == {"ham": 4827, "spam": 747}
    assert not sms.text.str.contains("\n").any()


def test_questions_have_a_coarse_and_a_fine_type(set_folder: SetFolder) -> None:
    rows = read_json_lines(set_folder("trec") / "train.jsonl.gz")
    assert {row["coarse"] for row in rows} == {"ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"}


@pytest.mark.parametrize("name", ["trec", "sarcasm", "film-ratings", "wikipedia", "synopses"])
def test_no_text_is_in_both_parts(set_folder: SetFolder, name: str) -> None:
    column = {"trec": "text", "sarcasm": "headline", "film-ratings": "text", "wikipedia": "text", "synopses": "article"}
    train, test = (
        {row[column[name]] for path in set_folder(name).glob(f"{part}.jsonl*") for row in read_json_lines(path)}
        for part in ("train", "test")
    )
    assert train
    assert test
    assert not train & test


def test_words_have_one_tag(set_folder: SetFolder) -> None:
    lines = read_lines(set_folder("brown") / "test.conll")
    assert {line.count("\t") for line in lines if line} == {1}
    assert len(read_conll(set_folder("brown") / "test.conll")) == 5609


def test_entities_begin_before_they_continue(set_folder: SetFolder) -> None:
    assert read_lines(set_folder("entities") / "train.txt")[:2] == ["-DOCSTART- -X- -X- O", ""]
    for sentence in read_conll(set_folder("entities") / "train.txt"):
        tags = [tag for _, tag in sentence]
        for before, tag in itertools.pairwise(["O", *tags]):
            assert tag[:2] != "I-" or before[2:] == tag[2:]


@pytest.mark.parametrize("part", ["train", "test"])
def test_verses_are_parallel(set_folder: SetFolder, part: str) -> None:
    english, spanish = (
        (set_folder("bible-en-es") / f"{part}.{language}").read_text(encoding="utf-8").splitlines()
        for language in ("en", "es")
    )
    assert len(english) == len(spanish)
    lengths = np.array([[len(first), len(second)] for first, second in zip(english, spanish, strict=True)])
    assert np.corrcoef(lengths.T)[0, 1] > 0.9, "verse i is verse i"


def test_messages_are_those_of_the_catalogues(set_folder: SetFolder) -> None:
    folder = set_folder("catalogues-de")
    catalogue = gettext.translation("coreutils", localedir=folder, languages=["de"])
    rows = (set_folder("software-en-de") / "train.tsv").read_text(encoding="utf-8").splitlines()
    pairs = dict(row.split("\t") for row in rows)
    assert pairs["cannot stat %s"] == catalogue.gettext("cannot stat %s")


def test_articles_have_shorter_highlights(set_folder: SetFolder) -> None:
    rows = read_json_lines(set_folder("synopses") / "test.jsonl")
    assert np.median([len(row["article"].split()) for row in rows]) > 40
    assert np.median([len(row["highlights"].split()) for row in rows]) < 10


@pytest.mark.parametrize("name", ["manual-pages", "manual-pages-2"])
def test_answers_are_in_their_context(set_folder: SetFolder, name: str) -> None:
    content = json.loads((set_folder(name) / "train.json").read_text(encoding="utf-8"))
    entries = [entry for article in content["data"] for each in article["paragraphs"] for entry in each["qas"]]
    assert len({entry["id"] for entry in entries}) == len(entries)
    assert [entry.get("is_impossible", False) for entry in entries] == [not entry["answers"] for entry in entries]
    assert len(list(read_squad(set_folder(name) / "train.json"))) == len(entries), "reading compares each answer"


def test_ratings_are_of_known_films(set_folder: SetFolder) -> None:
    ratings = pd.read_csv(set_folder("movielens") / "ratings.csv")
    films = pd.read_csv(set_folder("movielens") / "movies.csv")
    assert set(ratings.movieId) == set(films.movieId)
    assert ratings.groupby("userId").timestamp.apply(lambda times: times.is_monotonic_increasing).all()


def test_vectors_agree_with_people_about_words(set_folder: SetFolder) -> None:
    folder = set_folder("vectors")
    (binary,) = folder.glob("*.bin")
    vectors = read_word2vec(binary)
    rows = (folder / "benchmark" / "wordsim353.tsv").read_text().splitlines()
    pairs = [row.split("\t") for row in rows if not row.startswith("#")]
    known = [(first, second, float(value)) for first, second, value in pairs if {first, second} <= vectors.keys()]
    cosines = [
        vectors[first] @ vectors[second] / np.linalg.norm(vectors[first]) / np.linalg.norm(vectors[second])
        for first, second, _ in known
    ]
    frame = pd.DataFrame({"model": cosines, "people": [value for _, _, value in known]})
    assert len(known) > 250
    assert frame.rank().corr().loc["model", "people"] > 0.6


def read_word2vec(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of a binary file of word2vec: after a line with the size, each word, a space and its numbers."""
    content = path.read_bytes()
    start = content.index(b"\n") + 1
    words, width = map(int, content[:start].split())
    vectors = {}
    for _ in range(words):
        space = content.index(b" ", start)
        vectors[content[start:space].decode().strip()] = np.frombuffer(content, np.float32, width, space + 1)
        start = space + 1 + 4 * width
    assert content[start:].strip() == b""
    return vectors


def test_prose_is_lines_of_words(set_folder: SetFolder) -> None:
    for name in ("brown", "kjv"):
        text = (set_folder("prose") / f"{name}.txt").read_text(encoding="utf-8")
        assert not re.search(r"[<>]|/(nn|at|in|\.) ", text)
        assert "" not in text.rstrip("\n").split("\n")
