"""Word vectors are published as weights and as text that other libraries read, and the nearest words come from the folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.vectors_folder import WordVectors
from llmtrain_trainer.stages.predict import predict
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.training.word_vectors import WordVectorTask
from unit.trainer.builders import MakeCheckpointer, MakeRun
from unit.trainer.vectorizing import make_vector_run, make_vector_state

STEPS = 40


@pytest.fixture
def task(make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path) -> WordVectorTask:
    """Published word vectors."""
    run = make_vector_run(make_run, volume)
    task, state = make_vector_state(run, log)
    checkpointer = make_checkpointer(state)
    state.step = STEPS
    checkpointer.save()
    checkpointer.require_saved()
    outcome = publish(run, task.dataset.info.id, log)
    assert outcome.model is not None
    assert outcome.model.loss == task.evaluate(SingleProcess(), lambda: None, 2**16).loss
    assert outcome.model.metrics == {"chanceLoss": task.chance_loss}
    return task


def answers(folder: Path, lines: list[dict[str, object]]) -> list[dict[str, object]]:
    source, target = folder / "in.jsonl", folder / "out.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert predict(folder / "job" / "model", source, target, text_field="", device=torch.device("cpu")) == len(lines)
    return [json.loads(line) for line in target.read_text().splitlines()]


def read_text(file: Path) -> tuple[list[str], np.ndarray]:
    """Return the words and vectors of a file in word2vec's text format."""
    header, *lines = file.read_text().splitlines()
    rows = [line.split(" ") for line in lines]
    assert header == f"{len(rows)} {len(rows[0]) - 1}"
    return [row[0] for row in rows], np.array([[float(number) for number in row[1:]] for row in rows], dtype=np.float32)


def test_the_text_has_each_word_with_its_vector(task: WordVectorTask, tmp_path: Path) -> None:
    words, vectors = read_text(tmp_path / "job" / "model" / "vectors.txt")
    assert np.array_equal(vectors, task.model.embed_tokens.weight.detach().numpy()[1:])
    assert len(words) == len(set(words)) == task.dataset.info.vocab_size - 1
    assert "twoa" in words
    assert "Twoa" not in words


def test_the_nearest_words_are_those_with_the_greatest_cosine(task: WordVectorTask, tmp_path: Path) -> None:
    words, vectors = read_text(tmp_path / "job" / "model" / "vectors.txt")
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    lines: list[dict[str, object]] = [{"word": word, "id": 1} for word in words[:20]]
    for number, answer in enumerate(answers(tmp_path, [*lines[1:], {"word": " THREEA "}])[:19], start=1):
        cosines = np.delete(units @ units[number], number)
        others = np.delete(np.array(words), number)
        assert answer["prediction"] == others[np.argsort(-cosines, kind="stable")[:10]].tolist()
        assert answer["similarity"] == pytest.approx(np.sort(cosines)[::-1][:10], abs=1e-5)


def test_the_report_has_the_nearest_words_of_frequent_ones(task: WordVectorTask, tmp_path: Path) -> None:
    report = json.loads((tmp_path / "job" / "model" / "evaluation.json").read_text())
    words, _ = read_text(tmp_path / "job" / "model" / "vectors.txt")
    assert list(report["nearest"]) == words[:200]
    assert list(report["nearest"][words[0]]) == answers(tmp_path, [{"word": words[0]}])[0]["prediction"]


def test_there_are_fewer_nearest_words_in_a_small_vocabulary() -> None:
    vectors = WordVectors(words=["a", "b"], vectors=np.array([[1, 0], [1, 1]], dtype=np.float32))
    (((word, cosine),),) = vectors.nearest([0], 10)
    assert word == "b"
    assert cosine == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"text": "one"}, r"no word in 'word', but 'text'; add it, or name the field with --text"),
        ({"word": ["one"]}, r"no word in 'word'"),
        ({"word": "never"}, r"'never' has no vector, because it is rare in the text or not there; leave out the line"),
    ],
)
def test_a_line_that_can_not_be_used_is_named(
    task: WordVectorTask, tmp_path: Path, line: dict[str, object], problem: str
) -> None:
    with pytest.raises(BadInput, match=rf"in\.jsonl', line 2: {problem}"):
        answers(tmp_path, [{"word": "twoa"}, line])


def test_a_damaged_folder_is_refused(task: WordVectorTask, tmp_path: Path) -> None:
    weights = tmp_path / "job" / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(BadInput, match=r"model\.safetensors is damaged: .*; publish the model again"):
        answers(tmp_path, [])
    weights.unlink()
    with pytest.raises(BadInput, match=r"holds no model: model\.safetensors is missing"):
        answers(tmp_path, [])
