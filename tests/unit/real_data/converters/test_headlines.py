"""Headlines and paragraphs are read from samples of an evaluation."""

import json
from pathlib import Path

from real_data.converters.headlines import FOLDER, read_headlines, read_paragraphs


def save(package: Path, name: str, rows: list[object]) -> Path:
    path = package / FOLDER / name
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
    return package


def test_a_headline_is_the_last_message_of_a_sample(tmp_path: Path) -> None:
    chat = [{"role": "system", "content": "Respond"}, {"role": "user", "content": "area man\u2028sleeps"}]
    package = save(tmp_path, "sarcasm/samples.jsonl", [{"input": chat, "ideal": "1"}])
    assert read_headlines(package) == [{"headline": "area man\u2028sleeps", "is_sarcastic": 1}]


def test_a_paragraph_is_the_entry_that_is_not_shuffled(tmp_path: Path) -> None:
    package = save(tmp_path, "schelling_point/wikipedia_5.jsonl", [{"0": "A. B.\n", "1": "B. A."}])
    assert read_paragraphs(package) == ["A. B."]
