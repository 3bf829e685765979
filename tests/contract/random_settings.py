"""Settings of a training that are drawn at random, of which the rules accept some."""

import random
from collections.abc import Iterator

from contract.example_job import Change
from llmtrain_api.model_sizes import PRESETS
from llmtrain_api.training_rules import DECIMAL_BOUNDS


def decimal_strings(number: int, seed: int) -> list[str]:
    """Return decimal strings of many magnitudes and forms, as the schema accepts them."""
    source = random.Random(seed)
    found = []
    for _ in range(number):
        digits = str(source.randrange(10 ** source.randrange(1, 9)))
        fraction = f".{source.randrange(10**3):03}" if source.random() < 0.5 else ""
        exponent = f"{source.choice('eE')}{source.choice(['', '+', '-'])}{source.randrange(0, 400)}"
        found.append(digits + fraction + (exponent if source.random() < 0.7 else ""))
    return [text for text in found if len(text) <= 16]


def decimal_changes(number: int, seed: int) -> Iterator[Change]:
    """Yield changes of each decimal of a training."""
    for bound in DECIMAL_BOUNDS:
        for text in decimal_strings(number, seed):
            yield {"spec.training.optimizer.weightDecay": "0", f"spec.{bound.field}": text}


def size_changes(number: int, seed: int) -> Iterator[Change]:
    """Yield changes of the sizes of the model, and of the steps and the warm-up."""
    source = random.Random(seed)
    for _ in range(number):
        ranges = {"heads": (1, 25), "kvHeads": (1, 13), "width": (8, 1600)}
        sizes = {name: source.randrange(*ends) for name, ends in ranges.items() if source.random() < 0.5}
        if "width" in sizes and source.random() < 0.5:
            sizes["width"] = sizes["width"] // 24 * 24 + 24
        yield {
            "spec.model": {"preset": source.choice([*PRESETS]), **sizes},
            "spec.training.steps": source.randrange(1, 40),
            "spec.training.warmupSteps": source.randrange(0, 30),
        }
