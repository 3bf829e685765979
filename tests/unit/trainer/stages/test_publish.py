"""The last checkpoint is exported, evaluated and described, also that of a training that diverged, and no other one."""

import io
import json
import math
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import BadInput, TrainerError
from llmtrain_trainer.stages.evaluation_page import evaluation_page
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.stages.publish_text import perplexity_of
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.task import Judgement
from llmtrain_trainer.training.train_state import TrainState
from unit.trainer.builders import MakeCheckpointer, MakeRun, flip_last_bit, make_state, prepare_dataset, prose

STEPS = 20
"""Steps of the job that `make_run` makes."""


def saved(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, *steps: int, weight: float | None = None
) -> TrainState:
    """Return the state before the first step, saved as that after `steps`; every weight is `weight` if one is given."""
    state = make_state(make_run(), log)
    if weight is not None:
        state.parameters.weights.fill_(weight)
    checkpointer = make_checkpointer(state)
    for step in steps:
        state.step = step
        checkpointer.save()
        checkpointer.require_saved()
    return state


def published(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, *, weight: float | None = None
) -> TerminationMessage:
    """Save and publish the state after the last step."""
    saved(make_run, make_checkpointer, log, STEPS, weight=weight)
    return publish(make_run(), prepare_dataset(make_run(), log).info.id, log)


def test_a_model_is_exported_and_described(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, tmp_path: Path
) -> None:
    model = published(make_run, make_checkpointer, log).model
    assert model is not None
    assert model.path == "job/model"
    assert (tmp_path / model.path / "model.safetensors").is_file()
    assert model.perplexity == pytest.approx(math.exp(model.loss))
    assert model.sample
    report = json.loads((tmp_path / model.path / "evaluation.json").read_text())
    assert report["scores"]["loss"] == model.loss
    assert report["scores"]["perplexity"] == pytest.approx(model.perplexity)
    assert 0 < report["scores"]["bitsPerByte"] < report["scores"]["loss"] / math.log(2)
    assert all(low <= report["scores"][name] <= high for name, (low, high) in report["intervals"].items())
    assert set(report["intervals"]) == {"loss", "perplexity", "bitsPerByte"}
    assert report["baselines"]["unigram"]["perplexity"] == pytest.approx(model.unigram_perplexity)
    assert report["sample"] == model.sample
    written = (tmp_path / model.path / "evaluation.html").read_text()
    assert written == evaluation_page(report, job=make_run().job, task="pretrain")


def test_the_history_of_the_training_is_published_with_the_model(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, tmp_path: Path
) -> None:
    state = make_state(make_run(), log)
    for _ in range(2):
        state.train_step(SingleProcess(), StopVotes())
    state.record_evaluation(Judgement(loss=2.5))
    checkpointer = make_checkpointer(state)
    state.step = STEPS
    checkpointer.save()
    checkpointer.require_saved()
    restored = make_state(make_run(), log)
    restore(restored, CheckpointStore(job_directory=tmp_path / "job", log=log), log)
    assert restored.history == state.history
    publish(make_run(), prepare_dataset(make_run(), log).info.id, log)
    report = json.loads((tmp_path / "job" / "model" / "evaluation.json").read_text())
    points = [[step, loss] for step, loss in state.history["trainingLoss"].points]
    assert [step for step, _ in points] == [1, 2]
    assert report["history"]["trainingLoss"] == {"interval": 1, "points": points}
    assert report["history"]["heldOutLoss"]["points"] == [[2, 2.5]]
    assert "<svg" in (tmp_path / "job" / "model" / "evaluation.html").read_text()


def test_a_diverged_model_is_described_without_a_sample(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, lines: io.StringIO
) -> None:
    outcome = published(make_run, make_checkpointer, log, weight=math.nan)
    assert outcome.model is not None
    assert math.isnan(outcome.model.loss)
    assert outcome.model.sample == ""
    received = TerminationMessage.from_message(outcome.to_message())
    assert received is not None
    assert received.model is not None
    assert math.isnan(received.model.perplexity)
    assert json.loads(lines.getvalue().splitlines()[-1])["loss"] == "NaN"


def test_without_a_checkpoint_there_is_nothing_to_publish(make_run: MakeRun, log: JsonLog) -> None:
    run = make_run()
    with pytest.raises(TrainerError, match="no complete checkpoint"):
        publish(run, prepare_dataset(run, log).info.id, log)


def test_an_older_checkpoint_than_the_last_one_is_not_published(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, tmp_path: Path
) -> None:
    saved(make_run, make_checkpointer, log, 2, STEPS)
    flip_last_bit(tmp_path / "job" / "checkpoints" / f"step-{STEPS:08d}" / "weights.safetensors")
    with pytest.raises(TrainerError, match=r"step-00000020/weights.* is corrupt: .* of step 2, which is not") as error:
        publish(make_run(), prepare_dataset(make_run(), log).info.id, log)
    assert not isinstance(error.value, BadInput)
    assert not (tmp_path / "job" / "model").exists()


def test_a_training_that_has_not_ended_is_not_published(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog
) -> None:
    saved(make_run, make_checkpointer, log, 2)
    with pytest.raises(TrainerError, match="step-00000020 is not there"):
        publish(make_run(), prepare_dataset(make_run(), log).info.id, log)


def test_weights_are_not_published_with_the_tokenizer_of_another_text(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path
) -> None:
    saved(make_run, make_checkpointer, log, STEPS)
    (volume / "text" / "more.txt").write_text(prose(4000, seed=99)[::-1])
    with pytest.raises(BadInput, match=r"^spec\.data: step-00000020 was trained on dataset"):
        publish(make_run(), prepare_dataset(make_run(), log).info.id, log)


@pytest.mark.parametrize(("loss", "expected"), [(0.0, 1.0), (710.0, math.inf), (math.inf, math.inf)])
def test_a_perplexity_beyond_the_range_of_floats_is_infinite(loss: float, expected: float) -> None:
    assert perplexity_of(loss) == expected
