"""A model is published with its scores, and what it predicts from its folder is what it was judged by."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.squad import Squad
from llmtrain_trainer.stages import predict as stage
from llmtrain_trainer.stages.predict import main, predict
from llmtrain_trainer.stages.predict_labelled import Predictor
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.training.classification import ClassificationObjective
from llmtrain_trainer.training.labelled_learner import LabelledLearner
from unit.trainer.builders import MakeCheckpointer, MakeRun, prepared_id
from unit.trainer.labelled_jobs import CASES, RECORDS, Record, make_labelled_run, make_labelled_state

STEPS = 20
CPU = torch.device("cpu")


BFLOAT16 = {"training": {"steps": STEPS, "precision": "bfloat16"}}


@pytest.fixture(
    params=[*((*case, {}) for case in CASES), ("classification", "bert", {}), ("classification", "lstm", BFLOAT16)],
    ids=str,
)
def task(
    request: pytest.FixtureRequest,
    make_run: MakeRun,
    make_checkpointer: MakeCheckpointer,
    log: JsonLog,
    volume: Path,
) -> LabelledLearner:
    """A published model."""
    name, model, *sections = request.param
    run = make_labelled_run(make_run, volume, name, model, **(sections[0] if sections else {}))
    task, state = make_labelled_state(run, log)
    checkpointer = make_checkpointer(state)
    state.step = STEPS
    checkpointer.save()
    checkpointer.require_saved()
    outcome = publish(run, prepared_id(run, log), log)
    assert outcome.model is not None
    judged = task.judge(list(range(len(task.dataset.held_out))), SingleProcess())
    assert outcome.model.loss == judged.loss
    first, scores = task.objective.reported[0], score(task.objective.metric, judged.rows)
    assert outcome.model.metrics[first] == scores[first]
    assert f"{first} {scores[first]:.4f} on 40 held-out samples; of the baseline " in outcome.message
    assert outcome.model.path == "job/model"
    assert (outcome.model.perplexity, outcome.model.sample) == (None, "")
    return task


def write_held_out(task: LabelledLearner, file: Path) -> list[Record]:
    """Write the held-out records, found again by their tokens, in the order of the dataset."""
    folder = file.parent / "job" / "model"
    model, name = Predictor(folder, CPU), json.loads((folder / "config.json").read_text()).get("task", "classification")
    by_tokens = {
        model.inputs(model.value_of(record, "text"))[0].tokens.tobytes(): record
        for record in map(RECORDS[name], range(200))
    }
    held_out = task.dataset.held_out
    records = [by_tokens[held_out.sequences([number])[0].tobytes()] for number in range(len(held_out))]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return records


def answered(task: LabelledLearner, folder: Path) -> tuple[list[Record], list[Record]]:
    """Return the held-out records, and the lines that `predict` made of them."""
    records = write_held_out(task, folder / "in.jsonl")
    files = folder / "job" / "model", folder / "in.jsonl", folder / "out.jsonl"
    assert predict(*files, text_field="", device=CPU) == 40
    answers = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert [answer["label"] for answer in answers] == [record["label"] for record in records]
    return records, answers


def evaluation(folder: Path, task: LabelledLearner) -> dict[str, Any]:
    """Return what was published of the evaluation, which has the intervals of its scores."""
    report: dict[str, Any] = json.loads((folder / "job" / "model" / "evaluation.json").read_text())
    for name, (low, high) in report["intervals"].items():
        assert low <= report["scores"][name] <= high or "/" in name
    assert report["scores"][task.objective.reported[0]] is not None
    return report


@pytest.mark.parametrize("task", [case for case in CASES if case[0] == "classification"], indirect=True)
def test_predicted_classes_are_those_of_the_evaluation(task: LabelledLearner, tmp_path: Path) -> None:
    _, answers = answered(task, tmp_path)
    rows, losses, _ = task.judge(list(range(40)), SingleProcess())
    assert [answer["prediction"] for answer in answers] == [task.objective.labels.names[int(row[1])] for row in rows]
    right = [row[0] == row[1] for row in rows]
    probabilities = [
        answer["probability"] if is_right else 1 - answer["probability"]
        for answer, is_right in zip(answers, right, strict=True)
    ]
    np.testing.assert_allclose(-np.log(probabilities), losses, atol=1e-4)
    report = evaluation(tmp_path, task)
    assert report["scores"]["accuracy"] == np.mean(right)
    assert np.sum(report["confusion"]) == report["samples"] == 40


@pytest.mark.parametrize("task", [case for case in CASES if case[0] == "regression"], indirect=True)
def test_predicted_numbers_are_those_of_the_evaluation(task: LabelledLearner, tmp_path: Path) -> None:
    records, answers = answered(task, tmp_path)
    rows = task.judge(list(range(40)), SingleProcess()).rows
    predicted = np.array([answer["prediction"] for answer in answers])
    np.testing.assert_allclose(predicted, rows[:, 1], rtol=1e-4, atol=1e-4)
    errors = (predicted - [record["label"] for record in records]) ** 2
    report = evaluation(tmp_path, task)
    assert report["scores"]["mse"] == pytest.approx(errors.mean(), rel=1e-4)
    assert report["loss"] == pytest.approx(errors.mean() / report["deviation"] ** 2, rel=1e-4)
    assert report["baselines"]["mean"]["mse"] == pytest.approx(
        np.mean([(record["label"] - report["mean"]) ** 2 for record in records])
    )


@pytest.mark.parametrize("task", [case for case in CASES if case[0] == "tagging"], indirect=True)
def test_predicted_tags_are_those_of_the_evaluation(task: LabelledLearner, tmp_path: Path) -> None:
    records, answers = answered(task, tmp_path)
    pairs = [
        list(zip(record["label"], answer["prediction"], strict=True))
        for record, answer in zip(records, answers, strict=True)
    ]
    rows = task.judge(list(range(40)), SingleProcess()).rows
    assert [(sum(a == b for a, b in words), len(words)) for words in pairs] == [tuple(row[:2]) for row in rows.tolist()]
    report = evaluation(tmp_path, task)
    assert report["scores"]["accuracy"] == rows[:, 0].sum() / rows[:, 1].sum()
    known, words = most_frequent_tags(records)
    assert report["baselines"]["mostFrequentTag"]["accuracy"] == known / words


def most_frequent_tags(held_out: list[Record]) -> tuple[int, int]:
    """Return how many words have the tag that they have most often in the other records, and how many there are."""
    texts = [record["text"] for record in held_out]
    others = [record for record in map(RECORDS["tagging"], range(200)) if record["text"] not in texts]
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for record in others:
        for word, tag in zip(record["text"], record["label"], strict=True):
            counts[word][tag] += 1
    overall = sum(counts.values(), Counter[str]())
    pairs = [pair for record in held_out for pair in zip(record["text"], record["label"], strict=True)]
    best = {word: min(of_word, key=lambda tag: (-of_word[tag], tag)) for word, of_word in counts.items()}
    unknown = min(overall, key=lambda tag: (-overall[tag], tag))
    return sum(best.get(word, unknown) == tag for word, tag in pairs), len(pairs)


@pytest.mark.parametrize("task", [("tagging", "lstm")], indirect=True)
def test_a_sentence_of_any_length_gets_a_tag_for_each_word(task: LabelledLearner, tmp_path: Path) -> None:
    words = ["the", "quick\u00a0fox", "unfathomable"] * 700
    lines = [{"text": words}, {"text": " ".join(words)}, {"text": "the quick"}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main([str(tmp_path / name) for name in ("job/model", "in.jsonl", "out.jsonl")]) == 0
    first, second, third = (
        json.loads(line)["prediction"] for line in (tmp_path / "out.jsonl").read_text().splitlines()
    )
    assert (len(first), first, len(third)) == (2100, second, 2)
    (tmp_path / "in.jsonl").write_text('{"text": ["a", "b c"]}\n')
    assert main([str(tmp_path / name) for name in ("job/model", "in.jsonl", "out.jsonl")]) == 2


@pytest.mark.parametrize("task", [case for case in CASES if case[0] == "question-answering"], indirect=True)
def test_predicted_answers_are_those_of_the_evaluation(task: LabelledLearner, tmp_path: Path) -> None:
    records, answers = answered(task, tmp_path)
    accepted = [[answer["text"] for answer in record["label"]] for record in records]
    rows = task.judge(list(range(40)), SingleProcess()).rows
    assert rows.tolist() == Squad().rows([answer["prediction"] for answer in answers], accepted).tolist()
    report = evaluation(tmp_path, task)
    assert report["scores"]["exactMatch"] == rows[:, 1].mean()
    assert report["baselines"]["noAnswer"]["exactMatch"] == np.mean([not answers for answers in accepted])
    assert report["unanswerable"]


@pytest.mark.parametrize("task", [("question-answering", "gru")], indirect=True)
def test_a_line_without_a_question_is_named(
    task: LabelledLearner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a b"}\n')
    assert main([str(tmp_path / name) for name in ("job/model", "in.jsonl", "out.jsonl")]) == 2
    assert (
        "line 1: nothing that the model can read in 'text' and 'question', but 'text'; correct it"
        in capfd.readouterr().err
    )


def test_blocks_do_not_change_the_order(task: LabelledLearner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_held_out(task, tmp_path / "in.jsonl")
    folder = tmp_path / "job" / "model"
    assert main([str(folder), str(tmp_path / "in.jsonl"), str(tmp_path / "whole.jsonl")]) == 0
    monkeypatch.setattr(stage, "LINES_PER_BLOCK", 7)
    assert main([str(folder), str(tmp_path / "in.jsonl"), str(tmp_path / "blocks.jsonl")]) == 0
    whole, blocks = ((tmp_path / name).read_text().splitlines() for name in ("whole.jsonl", "blocks.jsonl"))
    assert [json.loads(line)["text"] for line in whole] == [json.loads(line)["text"] for line in blocks]


@pytest.mark.parametrize("task", [("classification", "lstm")], indirect=True)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"in\.jsonl', line 2: not a JSON object; correct the line"),
        ("[1]", r"in\.jsonl', line 2: not a JSON object; correct the line"),
        ('{"text": "x", "prediction": 1}', r"in\.jsonl', line 2: a field 'prediction' is there already; rename it"),
        (
            '{"body": "x"}',
            r"in\.jsonl', line 2: nothing that the model can read in 'text', but 'body'; correct it, or name the field",
        ),
    ],
)
def test_a_line_that_can_not_be_used_is_named(
    task: LabelledLearner, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "in.jsonl").write_text(f'{{"text": "fine"}}\n{content}\n')
    with pytest.raises(BadInput, match=message):
        predict(tmp_path / "job" / "model", tmp_path / "in.jsonl", tmp_path / "out.jsonl", text_field="", device=CPU)
    assert sorted(path.name for path in tmp_path.glob("*out*")) == []


@pytest.mark.parametrize("task", [("classification", "gru")], indirect=True)
def test_a_line_is_written_as_it_is_with_the_answer_at_its_end(task: LabelledLearner, tmp_path: Path) -> None:
    lines = ['{"text":"a", "id": 12345678901234567890.10, "far" : 1e400 , "text": "b" }', '\t{"text": "é\\u00e9"}  ']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    assert main([str(tmp_path / name) for name in ("job/model", "in.jsonl", "out.jsonl")]) == 0
    written = (tmp_path / "out.jsonl").read_text().splitlines()
    for line, answered in zip(lines, written, strict=True):
        before, _, answer = answered.partition(', "prediction"')
        assert before == line.rstrip().removesuffix("}").rstrip()
        assert set(json.loads(f'{{"prediction"{answer}')) == {"prediction", "probability"}


@pytest.mark.parametrize("task", [("classification", "gru")], indirect=True)
def test_half_of_a_character_is_read_as_in_training_and_written_as_it_was(
    task: LabelledLearner, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a \\ud800 b", "half": "\\ud800"}\n{"text": "a \\ufffd b"}\n')
    assert main([str(tmp_path / name) for name in ("job/model", "in.jsonl", "out.jsonl")]) == 0
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (first["half"], first["probability"]) == ("\ud800", second["probability"])


@pytest.mark.parametrize("task", [("classification", "gru")], indirect=True)
@pytest.mark.parametrize(
    ("target", "message"),
    [("no/out.jsonl", "its directory does not exist"), ("job", "Is a directory"), ("in.jsonl/out", "Not a directory")],
)
def test_a_file_that_can_not_be_written_is_named(
    task: LabelledLearner, tmp_path: Path, capfd: pytest.CaptureFixture[str], target: str, message: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "fine"}\n')
    assert main([str(tmp_path / name) for name in ("job/model", "in.jsonl", target)]) == 2
    assert f"{target}' can't be written: {message}; " in capfd.readouterr().err


@pytest.mark.parametrize("task", [("classification", "gru")], indirect=True)
def test_a_folder_without_its_tokenizer_is_refused(task: LabelledLearner, tmp_path: Path) -> None:
    folder = tmp_path / "job" / "model"
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(BadInput, match=r"tokenizer\.json is not valid: .*; publish the model again"):
        Predictor(folder, CPU)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"holds no model: tokenizer\.json is missing; name the folder"):
        Predictor(folder, CPU)


@pytest.mark.parametrize("task", [("classification", "gru"), ("tagging", "lstm")], indirect=True)
def test_values_are_read_as_in_training(task: LabelledLearner, tmp_path: Path) -> None:
    values: list[object] = [["a", "1999"], ["a", 1999]]
    if isinstance(task.objective, ClassificationObjective):
        values = ["1999", 1999]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": value}) + "\n" for value in values))
    assert main([str(tmp_path / name) for name in ("job/model", "in.jsonl", "out.jsonl")]) == 0
    first, second = (json.loads(line)["prediction"] for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert first == second
