"""What is found in questions says nothing of the personal data in them."""

import json
from collections.abc import Mapping
from pathlib import Path

from llmtrain_trainer.data.bad_text import BadText
from llmtrain_trainer.data.personal_data import BUILT_IN
from llmtrain_trainer.data.question_records import read_squad
from unit.trainer.data.reading import write

LONG = f"{'to ' * 18}jane.doe@mail.example"
"""An address that is cut where texts are cut for messages."""


def finding(folder: Path, question: Mapping[str, object], context: str) -> str:
    """Return the first finding in a file with one question."""
    document = {"data": [{"paragraphs": [{"context": context, "qas": [question]}]}]}
    file = write(folder / "a.json", json.dumps(document))
    return next(str(found) for found in read_squad(file, (), masking=BUILT_IN) if isinstance(found, BadText))


def test_an_answer_is_masked_before_it_is_cut(tmp_path: Path) -> None:
    question = {"id": "1", "question": "who?", "answers": [{"text": LONG, "answer_start": 1}]}
    assert f"the answer '{'to ' * 18}[EMAIL]' is not at character 1" in finding(tmp_path, question, LONG)


def test_the_name_of_a_question_is_masked_before_it_is_cut_in_each_finding(tmp_path: Path) -> None:
    question = {"id": LONG, "question": "who?", "answers": []}
    named = f"question '{'to ' * 18}[EMAIL]': "
    assert finding(tmp_path, question, "a \ud800") == f"'a.json', line 1: {named}invalid characters in the text"
    assert f"{named}no text in 'context'" in finding(tmp_path, question, "")
