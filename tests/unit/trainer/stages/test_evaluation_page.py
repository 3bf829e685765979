"""The page of an evaluation shows what its JSON has, and of a published model all of it."""

import json
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.stages.evaluation_page import MAX_CLASSES, evaluation_page
from llmtrain_trainer.stages.publish import publish
from unit.trainer.builders import MakeCheckpointer, MakeRun
from unit.trainer.labelled_jobs import make_labelled_run, make_labelled_state

REPORT = {
    "samples": 40,
    "loss": 0.5,
    "scores": {"accuracy": 0.75, "f1/a<b": 0.5, "recall/a<b": 0.25, "f1/c/d": 1.0},
    "intervals": {"accuracy": [0.5, 0.9]},
    "baselines": {"majority": {"accuracy": 0.5125}},
    "labels": ["a<b", "c/d"],
    "confusion": [[11, 0], [5, 24]],
    "slices": {
        "genre": [
            {"value": "war", "samples": 30, "scores": {"accuracy": 0.7}, "intervals": {"accuracy": [0.6, 0.8]}},
            {"value": "", "samples": 6, "scores": {"accuracy": 0.5}, "intervals": {}},
            {"otherValues": 3, "samples": 4, "scores": {}, "intervals": {}},
        ]
    },
    "explained": [
        {
            "sample": 7,
            "label": "a<b",
            "answer": {"prediction": "c/d", "probability": 0.875},
            "words": ["a", " <good>", " film"],
            "integratedGradients": [0.0, 0.5, -0.25],
            "occlusion": [0.0, 0.0, 0.0],
        }
    ],
}


def test_every_part_is_shown() -> None:
    written = evaluation_page(REPORT, job="stars", task="classification")
    for part in (
        "Evaluation of stars",
        '<td class="number">0.75</td><td>0.5 – 0.9</td><td class="number">0.5125</td>',
        "a&lt;b",
        "<td>c/d</td>",
        'rgba(122, 166, 216, 1.00); padding: 0 .4em">11</span>',
        "Scores by genre",
        '<td>war</td><td class="number">30</td>',
        "<i>empty</i>",
        "<i>3 other values</i>",
        "Sample 7: label a&lt;b; prediction c/d, probability 0.875",
        '<span style="background: rgba(46, 139, 87, 0.80)" title="0.5"> &lt;good&gt;</span>',
        '<span style="background: rgba(205, 62, 62, 0.40)" title="-0.25"> film</span>',
    ):
        assert part in written, part


def test_losses_and_scores_by_step_and_a_sample_are_shown() -> None:
    history = {
        "trainingLoss": {"interval": 1, "points": [[1, 4.0], [2, 3.0]]},
        "heldOutLoss": {"interval": 1, "points": [[2, 3.5]]},
        "accuracy": {"interval": 1, "points": [[2, 0.5]]},
    }
    report = {"history": history, "sample": "Once <upon> a time", "baselines": {"chance": 2.5}}
    written = evaluation_page(report, job="stars", task="pretrain")
    assert written.count("<svg") == 2
    for part in ("loss by step", "training loss", "held-out loss", "accuracy by step", "Once &lt;upon&gt; a time"):
        assert part in written, part
    assert '<td>loss by chance</td><td class="number">2.5</td>' in written


def test_a_confusion_of_many_classes_is_left_to_the_json() -> None:
    classes = MAX_CLASSES + 1
    many = {"labels": [f"class{number}" for number in range(classes)], "confusion": [[1] * classes] * classes}
    written = evaluation_page(many, job="stars", task="classification")
    assert f"evaluation.json has that of all {classes} classes." in written
    assert "class7" not in written


@pytest.mark.parametrize("name", ["classification", "regression", "question-answering"])
def test_a_published_model_has_a_page(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path, tmp_path: Path, name: str
) -> None:
    evaluation = {"slices": ["text"], "explain": 3 if name != "question-answering" else 0}
    run = make_labelled_run(make_run, volume, name, "gru", evaluation=evaluation)
    _, state = make_labelled_state(run, log)
    checkpointer = make_checkpointer(state)
    state.step = 20
    checkpointer.save()
    checkpointer.require_saved()
    publish(run, state.task.data_name, log)
    model = tmp_path / "job" / "model"
    report = json.loads((model / "evaluation.json").read_text())
    written = (model / "evaluation.html").read_text()
    assert written == evaluation_page(report, job=run.job, task=name)
    assert "20 other values" in written
    assert ("Explained answers" in written) == (name != "question-answering")
    assert len(report.get("explained", [])) == evaluation["explain"]
