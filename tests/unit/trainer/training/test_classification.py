"""Classes are learned by cross-entropy; the answer is the most probable one."""

import math

import pytest
import torch

from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.training.classification import ClassificationObjective, balanced_weights

OBJECTIVE = ClassificationObjective(LabelSet(names=("no", "yes")))


def test_the_loss_is_in_nats_per_sample() -> None:
    losses, terms = OBJECTIVE.losses(torch.zeros(3, 2), torch.tensor([0, 1, 1]))
    assert losses.tolist() == pytest.approx([math.log(2)] * 3)
    assert terms.tolist() == [1, 1, 1]


def test_the_answer_is_the_most_probable_class() -> None:
    answers = OBJECTIVE.answers(torch.tensor([[0.0, math.log(3)], [0.0, -math.log(4)]]), [1, 1])
    assert answers == [{"prediction": "yes", "probability": 0.75}, {"prediction": "no", "probability": 0.8}]


@pytest.mark.parametrize(
    ("smoothing", "weights"), [(0.2, ()), (0.0, (0.5, 4.0)), (0.1, (0.5, 4.0))], ids=["smoothing", "weights", "both"]
)
def test_the_loss_that_is_learned_is_that_of_its_definition(smoothing: float, weights: tuple[float, ...]) -> None:
    objective = ClassificationObjective(LabelSet(names=("no", "yes")), smoothing=smoothing, weights=weights)
    outputs, labels = torch.tensor([[0.5, -1.0], [2.0, 0.0], [-1.0, 1.5]]), [0, 1, 1]
    losses, terms = objective.training_losses(outputs, torch.tensor(labels))
    for row, label, loss in zip(outputs.log_softmax(1).tolist(), labels, losses.tolist(), strict=True):
        targets = [smoothing / 2 + (1 - smoothing) * (number == label) for number in range(2)]
        expected = -sum(
            target * weight * value for target, weight, value in zip(targets, weights or (1.0, 1.0), row, strict=True)
        )
        assert loss == pytest.approx(expected, rel=1e-5)
    assert terms.tolist() == [1, 1, 1]
    assert torch.equal(
        objective.losses(outputs, torch.tensor(labels))[0], OBJECTIVE.losses(outputs, torch.tensor(labels))[0]
    )


def test_balanced_weights_keep_the_size_of_losses() -> None:
    counts = [90, 9, 1, 0]
    weights = balanced_weights(counts)
    assert weights == pytest.approx([100 / 270, 100 / 27, 100 / 3, 0])
    assert sum(weight * count for weight, count in zip(weights, counts, strict=True)) == pytest.approx(100)
