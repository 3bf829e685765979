"""Several models average their probabilities or numbers; what can't be averaged is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages.predict import main, predict
from llmtrain_trainer.stages.predict_labelled import Predictor
from llmtrain_trainer.training.objective import WholeText
from unit.trainer.published_models import WORDS, publish_network

CPU = torch.device("cpu")
TEXTS = [" ".join(WORDS.split()[start : start + 1 + start % 4]) for start in range(7)]


def written(folders: list[Path], root: Path) -> list[dict[str, Any]]:
    """Return the lines that models write together."""
    (root / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    assert main([*map(str, folders), str(root / "in.jsonl"), str(root / "out.jsonl")]) == 0
    return [json.loads(line) for line in (root / "out.jsonl").read_text().splitlines()]


def votes(folder: Path) -> "np.ndarray[Any, Any]":
    """Return the probabilities or numbers that one model has for each text."""
    model = Predictor(folder, CPU)
    objective = model.objective
    assert isinstance(objective, WholeText)
    rows: list[Any] = model.read(TEXTS, lambda outputs, _: objective.votes(outputs).tolist())[1]
    return np.array(rows)


def test_the_class_is_that_of_the_mean_probability(tmp_path: Path) -> None:
    """The models differ in architecture, tokenizer and order of the labels."""
    folders = [
        publish_network(tmp_path / "a", 1),
        publish_network(tmp_path / "b", 2, name="encoder", words=f"{WORDS} and more", labels=["yes", "no"]),
    ]
    expected = (votes(folders[0]) + votes(folders[1])[:, ::-1]) / 2
    answers = written(folders, tmp_path)
    assert [answer["prediction"] for answer in answers] == [("no", "yes")[number] for number in expected.argmax(1)]
    np.testing.assert_allclose([answer["probability"] for answer in answers], expected.max(1), atol=1e-6)


def test_the_number_is_the_mean_in_the_unit_of_the_data(tmp_path: Path) -> None:
    folders = [
        publish_network(tmp_path / name, seed, task="regression", labels=None, label_mean=center, label_deviation=3.0)
        for seed, name, center in ((1, "a", 5.0), (2, "b", -2.0), (3, "c", 0.5))
    ]
    expected = np.mean([votes(folder)[:, 0] for folder in folders], axis=0)
    np.testing.assert_allclose([answer["prediction"] for answer in written(folders, tmp_path)], expected, rtol=1e-5)


def test_one_model_writes_what_it_writes_beside_itself(tmp_path: Path) -> None:
    folder = publish_network(tmp_path / "a", 1)
    same = publish_network(tmp_path / "b", 1)
    assert written([folder, same], tmp_path) == written([folder], tmp_path)


@pytest.mark.parametrize(
    ("publish", "message"),
    [
        pytest.param(
            lambda folder: publish_network(folder, 2, labels=["a", "b"]),
            r"^'.*a' predicts no, yes, but '.*b' a, b; name models that predict the same$",
            id="other labels",
        ),
        pytest.param(
            lambda folder: publish_network(folder, 2, task="regression", labels=None),
            r"^'.*a' predicts no, yes, but '.*b' numbers; name models that predict the same$",
            id="another task",
        ),
        pytest.param(
            lambda folder: publish_network(folder, 2, task="tagging"),
            r"^'.*b' is a model of another task than classification and regression, and several models average",
            id="a task without an average",
        ),
    ],
)
def test_predictions_that_cannot_be_averaged_are_refused(
    tmp_path: Path, publish: Callable[[Path], Path], message: str
) -> None:
    folders = [publish_network(tmp_path / "a", 1), publish(tmp_path / "b")]
    with pytest.raises(BadInput, match=message):
        predict(folders[0], tmp_path / "in", tmp_path / "out", text_field="", device=CPU, others=folders[1:])
