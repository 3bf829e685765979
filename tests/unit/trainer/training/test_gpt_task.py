"""The task of the built-in network: its loss is a function of step and microbatch, and falls when trained."""

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeRun, make_state, prepare_dataset
from unit.trainer.thread_collectives import run_ranks


def test_the_loss_falls(make_run: MakeRun, log: JsonLog) -> None:
    state = make_state(make_run(), log)
    losses = [state.train_step(SingleProcess(), StopVotes()).loss for _ in range(20)]
    assert losses[-1] < losses[0] - 0.5


def test_a_microbatch_is_the_same_on_every_rank(make_run: MakeRun, log: JsonLog) -> None:
    run = make_run()
    dataset = prepare_dataset(run, log)
    one, other = (GPTTask(run, dataset, torch.device("cpu")) for _ in range(2))
    one.init_weights()
    other.init_weights()
    (loss, tokens), (other_loss, other_tokens) = one.loss(3, 1), other.loss(3, 1)
    assert torch.equal(loss, other_loss)
    assert tokens == other_tokens == one.tokens_per_step // run.training.microbatches
    assert not torch.equal(loss, one.loss(3, 2)[0])


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_held_out_loss_is_the_same_at_any_number_of_ranks(make_run: MakeRun, log: JsonLog, ranks: int) -> None:
    state = make_state(make_run(), log)
    expected = state.task.evaluate(SingleProcess(), lambda: None)
    assert run_ranks(ranks, lambda group: state.task.evaluate(group, lambda: None)) == [expected] * ranks
