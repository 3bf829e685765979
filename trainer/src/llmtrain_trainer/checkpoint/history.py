"""The history of a training: its loss and its evaluations by step, as curves of bounded size.

Part of the training state, so that it survives a restart: checkpoints keep it, and ranks that join receive it. It follows from the
state alone and is the same on all ranks. No weight depends on it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, TypeAdapter

MAX_POINTS = 256
"""Points of a curve."""
MAX_CURVES = 12
"""Curves: further scores are not recorded."""
TRAINING_LOSS, HELD_OUT_LOSS = "trainingLoss", "heldOutLoss"
"""Names of the curves of losses. All others have the names of scores."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A number by steps done: at each multiple of `interval`, and at the newest step."""

    interval: Annotated[int, Field(ge=1)] = 1
    points: tuple[tuple[int, float], ...] = ()
    """Steps done and the number, in order."""

    def after(self, step: int, number: float) -> "Curve":
        """Return the curve with the number after `step` steps. Points from there on are replaced; the interval doubles
        until at most MAX_POINTS are left.
        """
        points, interval = self.points, self.interval
        while points and (points[-1][0] >= step or points[-1][0] % interval):
            points = points[:-1]
        points = (*points, (step, number))
        while len(points) > MAX_POINTS:
            interval *= 2
            points = tuple(point for point in points if point[0] % interval == 0 or point[0] == step)
        return replace(self, interval=interval, points=points)


History = Mapping[str, Curve]
"""Curves by name."""
NO_HISTORY: History = MappingProxyType({})
_JSON = TypeAdapter(dict[str, Curve])


def with_number(history: History, name: str, step: int, number: float) -> History:
    """Return the history with a number after `step` steps. One that is not finite, or of one curve too many, is left out."""
    if not math.isfinite(number) or (name not in history and len(history) >= MAX_CURVES):
        return history
    return {**history, name: history.get(name, Curve()).after(step, number)}


def with_evaluation(history: History, step: int, loss: float, scores: Mapping[str, float]) -> History:
    """Return the history with an evaluation after `step` steps, but for scores of single classes."""
    history = with_number(history, HELD_OUT_LOSS, step, loss)
    for name, score in scores.items():
        if "/" not in name:
            history = with_number(history, name, step, score)
    return history


def history_bytes(history: History) -> bytes:
    """Return the history for another rank."""
    return _JSON.dump_json(dict(history))


def history_of(content: bytes) -> History:
    """Return the history that another rank has sent; an empty one if it can't be read, as training needs none."""
    try:
        return _JSON.validate_json(content)
    except ValueError:
        return NO_HISTORY
