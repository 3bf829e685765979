"""Prepare keeps numbers with their distribution, tags at the first token of each word, and answers as spans of windows."""

from pathlib import Path

import numpy as np
import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data import scan
from llmtrain_trainer.data.tagged_words import NOT_LEARNED
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages import preparation as stage
from unit.trainer.builders import MakeRun
from unit.trainer.stages.preparing_records import opened, rows, write


def rated_rows(count: int) -> list[dict[str, object]]:
    return [row | {"label": number / 8} for number, row in enumerate(rows(count))]


def test_numbers_come_back_with_the_distribution_of_those_to_train_on(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rated_rows(300)
    write(volume, made)
    dataset = opened(make_run, log, "regression")
    tokenizer, by_text = load_tokenizer(dataset.directory), {str(row["text"]): row["label"] for row in made}
    for part in (dataset.training, dataset.held_out):
        found = [tokenizer.decode(part.batch([number])[0].tolist()) for number in range(len(part))]
        assert part.labels.tolist() == [by_text[text] for text in found]
    assert dataset.label_set.label_mean == pytest.approx(dataset.training.labels.mean())
    assert dataset.label_set.label_deviation == pytest.approx(dataset.training.labels.std())
    assert (dataset.label_set.names, dataset.info.classes, dataset.info.samples) == ((), 0, 240)
    (dataset.directory / "dataset.json").rename(volume / "before.json")
    monkeypatch.setattr(scan, "UNIT_BYTES", 2048)
    monkeypatch.setattr(stage, "UNIT_BYTES", 2048)
    opened(make_run, log, "regression")
    assert (dataset.directory / "dataset.json").read_bytes() == (volume / "before.json").read_bytes()


def test_numbers_that_are_all_the_same_are_refused(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, [row | {"label": 4} for row in rows(30)])
    message = (
        r"^spec\.data\.columns\.label: all records to train on have the number 4\.0, so there is nothing to learn; name"
    )
    with pytest.raises(BadInput, match=message):
        opened(make_run, log, "regression")


def test_one_dataset_is_not_another_with_the_same_texts(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, rated_rows(40))
    assert opened(make_run, log, "regression").info.id != opened(make_run, log).info.id


def tagged_rows(count: int) -> list[dict[str, object]]:
    tagged = (str(row["text"]).split() for row in rows(count))
    return [{"text": words, "label": [word[:1].upper() for word in words]} for words in tagged]


def test_the_first_token_of_each_word_has_its_tag(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tagged_rows(60)
    write(volume, made)
    dataset = opened(make_run, log, "tagging")
    tokenizer, names = load_tokenizer(dataset.directory), dataset.label_set.names
    found = []
    for part in (dataset.training, dataset.held_out):
        for number in range(len(part)):
            (tokens,), (tags,) = part.sequences([number]), part.token_labels([number])
            starts = np.flatnonzero(tags != NOT_LEARNED).tolist()
            words = [
                tokenizer.decode(tokens[start:stop].tolist())
                for start, stop in zip(starts, [*starts[1:], None], strict=True)
            ]
            found.append((words, [names[tags[start]] for start in starts]))
    assert sorted(found) == sorted(([f" {word}" for word in row["text"]], row["label"]) for row in made)
    assert max(len(part.tokens) for part in (dataset.training, dataset.held_out)) > sum(dataset.training_counts)
    assert sum(dataset.training_counts) == 12 * dataset.info.samples
    before = {path.name: path.read_bytes() for path in dataset.directory.iterdir()}
    (dataset.directory / "dataset.json").unlink()
    monkeypatch.setattr(scan, "UNIT_BYTES", 2048)
    monkeypatch.setattr(stage, "UNIT_BYTES", 2048)
    opened(make_run, log, "tagging")
    assert {path.name: path.read_bytes() for path in dataset.directory.iterdir()} == before


def test_a_long_sentence_is_cut_and_its_other_words_are_not_counted(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    write(volume, tagged_rows(40))
    dataset = opened(make_run, log, "tagging", maxTokens=5)
    assert dataset.info.shortened == 40
    assert {len(tags) for tags in dataset.training.token_labels(range(32))} == {5}
    assert 32 <= sum(dataset.training_counts) < 12 * 32


def asked_rows(count: int) -> list[dict[str, object]]:
    found = []
    for number, row in enumerate(rows(count)):
        context = f"caf\u00e9 {row['text']}"
        words = str(row["text"]).split()
        answer = {"text": words[number % 12], "answer_start": context.index(words[number % 12])}
        found.append({"question": f"word {number}?", "text": context, "label": [answer] if number % 5 else []})
    return found


def test_an_answer_is_a_span_of_tokens_in_a_window_that_holds_all_of_it(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {f"{row['question']}\n{row['text']}": row["label"] for row in asked_rows(60)}
    write(volume, asked_rows(60))
    dataset = opened(make_run, log, "question-answering", maxTokens=20)
    info, part, questions = dataset.info, dataset.held_out, dataset.held_out.questions
    assert (info.samples, info.held_out_samples, len(questions)) == (48, 12, 12)
    assert (dataset.label_set.unanswerable, len(part) > 12, part.lengths(range(len(part))).max()) == (True, True, 20)
    number, spans = -1, 0
    for window, (start, last, of_question, first) in enumerate(part.labels.tolist()):
        number += of_question == 0
        question, offset = questions.question(number), int(part.offsets[window])
        assert [[answer.text, answer.start] for answer in question.answers] == [
            list(answer.values()) for answer in made[question.text]
        ]
        left, right = questions.characters_of(offset, first, int(part.lengths([window])[0]) - 1)
        tokens = part.sequences([window])[0][first:].tolist()
        assert load_tokenizer(dataset.directory).decode(tokens) == question.context[left:right]
        if last:
            left, right = questions.characters_of(offset, start, last)
            assert question.context[left:right].strip() == question.answers[0].text
            spans += 1
    assert spans >= 12 - sum(not row for row in made.values())
    before = {path.name: path.read_bytes() for path in dataset.directory.iterdir()}
    (dataset.directory / "dataset.json").unlink()
    monkeypatch.setattr(scan, "UNIT_BYTES", 2048)
    monkeypatch.setattr(stage, "UNIT_BYTES", 2048)
    opened(make_run, log, "question-answering", maxTokens=20)
    assert {path.name: path.read_bytes() for path in dataset.directory.iterdir()} == before
