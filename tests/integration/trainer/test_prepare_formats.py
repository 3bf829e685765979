"""Formats that hold data of one task alone make the same bytes with any number of processes, and after a kill."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from support.prepare_process import await_parts, result, start

SENTENCES, QUESTIONS, EVENTS = 6_000, 4_000, 60_000


def write_sentences(folder: Path) -> None:
    draw = random.Random(1)
    for number in range(4):
        words = [f"word{draw.randrange(3000)}" for _ in range(SENTENCES)]
        lines = (f"{word} {word[-1]}\n" + ("\n" if place % 12 == 11 else "") for place, word in enumerate(words))
        (folder / f"{number}.conll").write_text("".join(lines))


def write_questions(folder: Path) -> None:
    draw = random.Random(2)
    for number in range(4):
        paragraphs = []
        for place in range(QUESTIONS // 4):
            words = [f"word{draw.randrange(3000)}" for _ in range(30)]
            answer = {"text": words[3], "answer_start": len(" ".join(words[:3])) + 1}
            question = {"id": f"{number}-{place}", "question": f"what is {words[5]}", "answers": [answer]}
            paragraphs.append({"context": " ".join(words), "qas": [question]})
        (folder / f"{number}.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))


def write_events(folder: Path) -> None:
    draw = random.Random(3)
    rows = (f"{draw.randrange(500)},{draw.randrange(900)},{time}\n" for time in range(EVENTS))
    (folder / "events.csv").write_text("user,item,time\n" + "".join(rows))


CASES: dict[str, tuple[Callable[[Path], None], dict[str, object], dict[str, object]]] = {
    "conll": (write_sentences, {"task": {"name": "tagging"}, "model": {"name": "lstm"}}, {}),
    "squad": (write_questions, {"task": {"name": "question-answering"}, "model": {"name": "gru"}}, {}),
    "items": (write_events, {"task": {"name": "recommendation"}, "model": {"name": "gpt"}}, {"format": "Csv"}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bytes_are_the_same_with_any_number_of_processes_and_after_a_kill(name: str, tmp_path: Path) -> None:
    write, sections, data = CASES[name]
    source = tmp_path / "source"
    source.mkdir()
    write(source)
    expected = result(tmp_path / "one", start(tmp_path / "one", source, 1, sections, data))
    killed = start(tmp_path / "three", source, 3, sections, data)
    await_parts(tmp_path / "three", killed, 2)
    killed.kill()
    killed.communicate()
    assert killed.returncode == -9, "it ended before it was killed"
    assert result(tmp_path / "three", start(tmp_path / "three", source, 3, sections, data)) == expected
