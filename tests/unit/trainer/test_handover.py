"""All ranks begin a generation with the state of the one that is ahead."""

import torch

from llmtrain_trainer.checkpoint.folder import Checkpoints
from llmtrain_trainer.log import Log
from llmtrain_trainer.training.handover import hand_over
from llmtrain_trainer.training.learner import Learner
from llmtrain_trainer.training.ranks import Alone
from llmtrain_trainer.training.tally import Wishes
from unit.trainer.conftest import MakeRun, make_learner
from unit.trainer.threads import together


def united(learners: list[Learner], checkpoints: Checkpoints, log: Log) -> None:
    together(len(learners), lambda ranks: hand_over(learners[ranks.rank], checkpoints, ranks, log))


def test_the_ranks_behind_get_the_state_of_the_one_ahead(make_run: MakeRun, checkpoints: Checkpoints, log: Log) -> None:
    ahead, behind, newcomer = (make_learner(make_run(), log) for _ in range(3))
    newcomer.whole = False
    ahead.learn(Alone(), Wishes())
    before = ahead.parameters.weights.clone()
    united([newcomer, behind, ahead], checkpoints, log)
    assert [learner.held for learner in (ahead, behind, newcomer)] == [1, 1, 1]
    for learner in (ahead, behind, newcomer):
        assert torch.equal(learner.parameters.weights, before)
        assert torch.equal(learner.optimizer.square, ahead.optimizer.square)


def test_when_nobody_holds_a_state_the_first_rank_finds_one(
    make_run: MakeRun, checkpoints: Checkpoints, log: Log
) -> None:
    learners = [make_learner(make_run(), log) for _ in range(2)]
    expected = learners[0].parameters.weights.clone()
    for learner in learners:
        learner.whole = False
        learner.parameters.weights.zero_()
    united(learners, checkpoints, log)
    assert all(learner.held == 0 and torch.equal(learner.parameters.weights, expected) for learner in learners)
