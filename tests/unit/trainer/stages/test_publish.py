"""The newest checkpoint is exported, evaluated and described, also that of a training that diverged."""

import io
import json
import math
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.errors import TrainerError
from llmtrain_trainer.stages.publish import perplexity_of, publish
from unit.trainer.builders import MakeCheckpointer, MakeRun, make_state, prepare_dataset


def published(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, *, weight: float | None = None
) -> TerminationMessage:
    """Save the state before the first step, with every weight set to `weight` if one is given, and publish it."""
    run = make_run()
    state = make_state(run, log)
    if weight is not None:
        state.parameters.weights.fill_(weight)
    checkpointer = make_checkpointer(state)
    checkpointer.save()
    checkpointer.require_saved()
    return publish(run, prepare_dataset(run, log).info.id, log)


def test_a_model_is_exported_and_described(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, tmp_path: Path
) -> None:
    model = published(make_run, make_checkpointer, log).model
    assert model is not None
    assert model.path == "job/model"
    assert (tmp_path / model.path / "model.safetensors").is_file()
    assert model.perplexity == pytest.approx(math.exp(model.loss))
    assert model.sample


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


@pytest.mark.parametrize(("loss", "expected"), [(0.0, 1.0), (710.0, math.inf), (math.inf, math.inf)])
def test_a_perplexity_beyond_the_range_of_floats_is_infinite(loss: float, expected: float) -> None:
    assert perplexity_of(loss) == expected
