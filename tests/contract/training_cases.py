"""Jobs whose numbers are at the bounds of their rules, just beyond them, or contradict each other."""

from collections.abc import Iterator
from decimal import Decimal

from contract.example_job import Case
from llmtrain_api.training_rules import DECIMAL_BOUNDS, DecimalBound

NEXT = Decimal("0.0001")
"""Relative distance between a bound and the nearest value that is tried."""


def text(number: Decimal) -> str:
    """Return a number as a decimal string of at most 16 characters."""
    return f"{number.normalize():e}" if 0 < number < 1 or number > 1000 else f"{number:f}"


def accepted(bound: DecimalBound) -> Iterator[str]:
    """Yield values at both ends of what a bound accepts."""
    low, high = Decimal(bound.low), Decimal(bound.high)
    yield bound.low
    yield text(low * (1 + NEXT))
    yield text(high * (1 - NEXT))
    if bound.below_high:
        yield "0.99999999999999"  # as near as 16 characters allow
    else:
        yield bound.high
    if bound.or_zero:
        yield from ("0", "0.0", "0e5")


def refused(bound: DecimalBound) -> Iterator[str]:
    """Yield values just beyond the bound, and those that a float cannot hold. The schema refuses negative ones."""
    low, high = Decimal(bound.low), Decimal(bound.high)
    yield from (text(high * (1 + NEXT)), "1e400", "99999999999e99")
    if bound.below_high:
        yield from (bound.high, "1.0", "1e0")
    if low > 0:
        yield from (text(low * (1 - NEXT)), "1e-400")
        if not bound.or_zero:
            yield from ("0", "0.000")


def change(bound: DecimalBound, value: str) -> dict[str, object]:
    """Return the change of the example to a value; the decay fits every learning rate and the other way round."""
    partner = {"training.optimizer.learningRate": "weightDecay", "training.optimizer.weightDecay": "learningRate"}
    others = {f"spec.training.optimizer.{partner[bound.field]}": "0.001"} if bound.field in partner else {}
    return {**others, f"spec.{bound.field}": value}


TRAINING_CASES: tuple[Case, ...] = (
    *(
        Case(sentence=f"{bound.field} {value}", change=change(bound, value))
        for bound in DECIMAL_BOUNDS
        for value in accepted(bound)
    ),
    Case(sentence="gradient descent", change={"spec.training.optimizer": {"name": "sgd", "beta1": "0.95"}}),
    Case(sentence="Muon", change={"spec.training.optimizer": {"name": "muon", "beta2": "0.99"}}),
    Case(
        sentence="a second moment of gradient descent",
        change={"spec.training.optimizer": {"name": "sgd", "beta2": "0.99"}},
        refusal="spec.training.optimizer.beta2 has no effect with optimizer sgd",
    ),
    *(
        Case(
            sentence=f"{bound.field} {value}",
            change=change(bound, value),
            refusal=f"spec.{bound.field} {bound.message}",
        )
        for bound in DECIMAL_BOUNDS
        for value in refused(bound)
    ),
    Case(sentence="the largest dropout", change={"spec.training.dropout": "0.99999999999999"}),
    Case(
        sentence="a decay that leaves a part of each weight",
        change={"spec.training.optimizer": {"learningRate": "0.01", "weightDecay": "99.9"}},
    ),
    Case(
        sentence="a decay that takes each weight in one step",
        change={"spec.training.optimizer": {"learningRate": "0.01", "weightDecay": "100"}},
        refusal="spec.training.optimizer.weightDecay times learningRate must be less than 1",
    ),
    Case(sentence="a warm-up of all steps but one", change={"spec.training.warmupSteps": 299}),
    Case(
        sentence="a warm-up of all steps",
        change={"spec.training.warmupSteps": 300},
        refusal="spec.training.warmupSteps must be less than spec.training.steps",
    ),
    Case(
        sentence="steps and epochs",
        change={"spec.training.epochs": 2},
        refusal="spec.training must have exactly one of steps and epochs",
    ),
    Case(
        sentence="neither steps nor epochs",
        change={"spec.training": {"microbatches": 8}},
        refusal="spec.training must have exactly one of steps and epochs",
    ),
    Case(sentence="epochs and a long warm-up", change={"spec.training": {"epochs": 3, "warmupSteps": 5000}}),
    Case(sentence="fewer steps than the default warm-up", change={"spec.training": {"steps": 10}}),
    Case(sentence="one step", change={"spec.training": {"steps": 1}}),
    Case(
        sentence="query heads that share key and value heads evenly",
        change={"spec.model.heads": 8, "spec.model.kvHeads": 2},
    ),
    Case(
        sentence="query heads that cannot share key and value heads evenly",
        change={"spec.model.heads": 8, "spec.model.kvHeads": 3},
        refusal="spec.model.heads must be a multiple of spec.model.kvHeads",
    ),
    Case(
        sentence="key and value heads that the preset's query heads cannot share",
        change={"spec.model": {"preset": "small", "kvHeads": 5}},
        refusal="spec.model.heads must be a multiple of spec.model.kvHeads",
    ),
    Case(sentence="query heads alone", change={"spec.model": {"preset": "tiny", "heads": 1}}),
    Case(sentence="a width that the preset's heads share evenly", change={"spec.model": {"width": 136}}),
    Case(
        sentence="a width that the heads cannot share evenly",
        change={"spec.model": {"width": 100, "heads": 3}},
        refusal="spec.model.width must be a multiple of twice spec.model.heads",
    ),
    Case(
        sentence="a width that leaves heads of an odd size",
        change={"spec.model": {"preset": "medium", "width": 1040}},
        refusal="spec.model.width must be a multiple of twice spec.model.heads",
    ),
)
"""Accepted and refused jobs for every rule about the numbers of a training."""
