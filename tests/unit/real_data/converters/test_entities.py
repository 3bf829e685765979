"""Listed entities are found in their sentence, in order."""

import json
from pathlib import Path

import pytest

from real_data.converters.entities import FILE, entities, iob2, read_sentences
from real_data.errors import Unreadable


def package(tmp_path: Path, *samples: tuple[str, str]) -> Path:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    rows = [{"input": [{"role": "user", "content": text}], "ideal": ideal} for text, ideal in samples]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return tmp_path


def test_a_name_can_contain_commas_and_types() -> None:
    assert entities("[Bank, Inc. - ORGANIZATION, San Jose - LOCATION]") == [
        (["Bank", ",", "Inc", "."], "ORG"),
        (["San", "Jose"], "LOC"),
    ]
    assert entities("[Lenovo - AsiaInfo - ORGANIZATION]") == [(["Lenovo", "-", "AsiaInfo"], "ORG")]
    assert entities("No entities found") == []


def test_an_entity_is_searched_after_the_previous_one() -> None:
    words = ["Bank", "of", "Bank", "City"]
    assert iob2(words, [(["Bank"], "ORG"), (["Bank", "City"], "LOC")]) == ["B-ORG", "O", "B-LOC", "I-LOC"]


def test_words_are_separated_from_punctuation(tmp_path: Path) -> None:
    (sentence,) = read_sentences(package(tmp_path, ('The ("Bank"),', "[Bank - ORGANIZATION]")))
    assert sentence == [("The", "O"), ("(", "O"), ('"', "O"), ("Bank", "B-ORG"), ('"', "O"), (")", "O"), (",", "O")]


def test_an_entity_that_is_not_in_its_sentence_is_named(tmp_path: Path) -> None:
    samples = ("A bank", "No entities found"), ("A bank", "[Lender - PERSON]")
    with pytest.raises(Unreadable, match=r"samples\.jsonl:2: the entity 'Lender' is not in the sentence after word 0"):
        read_sentences(package(tmp_path, *samples))
