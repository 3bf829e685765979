"""A recommender is published with its scores, and what it recommends from its folder is what it was judged by."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.stages import predict as stage
from llmtrain_trainer.stages.predict import predict
from llmtrain_trainer.stages.predict_items import Recommending
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.stages.publish_items import baseline_rows
from llmtrain_trainer.training.recommendation import RecommendationTask
from unit.trainer.builders import MakeCheckpointer, MakeRun
from unit.trainer.recommending import make_recommendation_run, make_recommendation_state

STEPS = 20
CPU = torch.device("cpu")


@pytest.fixture(params=["float32", "bfloat16"])
def task(
    request: pytest.FixtureRequest, make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path
) -> RecommendationTask:
    """A published recommender."""
    run = make_recommendation_run(make_run, volume, training={"steps": STEPS, "precision": request.param})
    task, state = make_recommendation_state(run, log)
    checkpointer = make_checkpointer(state)
    state.step = STEPS
    checkpointer.save()
    checkpointer.require_saved()
    outcome = publish(run, task.dataset.info.id, log)
    assert outcome.model is not None
    rows, losses = task.judge(list(range(len(task.dataset.held_out))), SingleProcess())
    assert outcome.model.loss == losses.mean()
    assert outcome.model.metrics["hitRate"] == np.mean(rows <= 10)
    popular, following = (score(task.metric, rows) for rows in baseline_rows(task.dataset))
    assert (outcome.model.metrics["popularNdcg"], outcome.model.metrics["nextNdcg"]) == (
        popular["ndcg"],
        following["ndcg"],
    )
    assert following["ndcg"] > 0.6 > popular["ndcg"]
    return task


def answers(folder: Path, lines: list[dict[str, object]]) -> list[dict[str, object]]:
    source, target = folder / "in.jsonl", folder / "out.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert predict(folder / "job" / "model", source, target, text_field="", device=CPU) == len(lines)
    return [json.loads(line) for line in target.read_text().splitlines()]


def test_recommendations_are_those_of_the_evaluation(
    task: RecommendationTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "LINES_PER_BLOCK", 7)
    names = Recommending(tmp_path / "job" / "model", CPU)._items
    users = range(len(task.dataset.held_out))
    histories = [[names.id_to_token(int(token)) for token in task.dataset.history(user)] for user in users]
    found = answers(tmp_path, [{"id": user, "items": histories[user]} for user in users])
    rows, _ = task.judge(list(users), SingleProcess())
    checked = 0
    for user, answer in enumerate(found):
        best = answer["prediction"]
        assert isinstance(best, list)
        assert not set(best) & set(histories[user])
        target = names.id_to_token(int(task.dataset.held_out[user]))
        if target not in histories[user]:
            assert (best.index(target) + 1 if target in best else 11) == min(rows[user, 0], 11)
            checked += 1
    assert checked > 30


def test_the_folder_has_scores_with_intervals_and_baselines(task: RecommendationTask, tmp_path: Path) -> None:
    report = json.loads((tmp_path / "job" / "model" / "evaluation.json").read_text())
    assert report["samples"] == 57
    assert report["intervals"]["hitRate"][0] <= report["scores"]["hitRate"] <= report["intervals"]["hitRate"][1]
    assert set(report["baselines"]) == {"mostPopular", "mostFrequentNext"}


def test_transformers_loads_the_folder(task: RecommendationTask, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "job" / "model")
    tokens = torch.tensor([[3, 4, 5]])
    with torch.no_grad():
        assert torch.allclose(model(tokens).logits, task.model(tokens), atol=1e-5)


def test_unknown_items_are_left_out_and_numbers_are_names(task: RecommendationTask, tmp_path: Path) -> None:
    known, *others = answers(
        tmp_path,
        [
            {"items": ["item3"]},
            {"items": ["?", "item3", 3, "<|endoftext|>"]},
            {"items": ["\ud800", " item3 ", 1.5, True]},
        ],
    )
    assert [line["prediction"] for line in others] == [known["prediction"]] * 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"items": ["item1"], "prediction": 1}, r"a field 'prediction' is there already; rename it"),
        ({"films": ["item1"]}, r"no list of items in 'items', but 'films'; add it, the oldest item first"),
        ({"items": []}, r"no list of items in 'items'"),
        ({"items": "item1"}, r"no list of items in 'items'"),
        ({"items": ["film"]}, r"no item in 'items' is one of those trained on, the first is 'film'; name items"),
    ],
)
def test_a_line_that_can_not_be_used_is_named(
    task: RecommendationTask, tmp_path: Path, line: dict[str, object], problem: str
) -> None:
    with pytest.raises(BadInput, match=rf"in\.jsonl', line 2: {problem}"):
        answers(tmp_path, [{"items": ["item1"]}, line])


def test_a_damaged_folder_is_refused(task: RecommendationTask, tmp_path: Path) -> None:
    folder = tmp_path / "job" / "model"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 32}))
    with pytest.raises(
        BadInput, match=r"model\.safetensors is damaged or does not fit config\.json: .*; publish the model again"
    ):
        answers(tmp_path, [])
    del config["hidden_size"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match=r"config\.json is not valid: KeyError\('hidden_size'\)"):
        answers(tmp_path, [])
    (folder / "model.safetensors").unlink()
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 16}))
    with pytest.raises(BadInput, match=r"holds no model: model\.safetensors is missing"):
        answers(tmp_path, [])
