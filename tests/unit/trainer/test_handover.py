"""All ranks begin a generation with the state of the one that is ahead."""

import torch

from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.log import Log
from llmtrain_trainer.trainer.state_sync import sync_state
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.conftest import MakeRun, make_learner
from unit.trainer.thread_collectives import together


def united(learners: list[GPTTask], checkpoints: CheckpointStore, log: Log) -> None:
    together(len(learners), lambda ranks: sync_state(learners[ranks.rank], checkpoints, ranks, log))


def test_the_ranks_behind_get_the_state_of_the_one_ahead(
    make_run: MakeRun, checkpoints: CheckpointStore, log: Log
) -> None:
    ahead, behind, newcomer = (make_learner(make_run(), log) for _ in range(3))
    newcomer.complete = False
    ahead.train_step(SingleProcess(), StopVotes())
    before = ahead.parameters.weights.clone()
    united([newcomer, behind, ahead], checkpoints, log)
    assert [learner.held_step for learner in (ahead, behind, newcomer)] == [1, 1, 1]
    for learner in (ahead, behind, newcomer):
        assert torch.equal(learner.parameters.weights, before)
        assert torch.equal(learner.optimizer.exp_avg_sq, ahead.optimizer.exp_avg_sq)


def test_when_nobody_holds_a_state_the_first_rank_finds_one(
    make_run: MakeRun, checkpoints: CheckpointStore, log: Log
) -> None:
    learners = [make_learner(make_run(), log) for _ in range(2)]
    expected = learners[0].parameters.weights.clone()
    for learner in learners:
        learner.complete = False
        learner.parameters.weights.zero_()
    united(learners, checkpoints, log)
    assert all(learner.held_step == 0 and torch.equal(learner.parameters.weights, expected) for learner in learners)
