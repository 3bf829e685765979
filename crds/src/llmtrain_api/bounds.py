"""Bounds of what programs report: a measurement beyond them is read as the nearest one within."""

import math
from typing import Annotated

from pydantic import AfterValidator, Field

MAX_INTEGER = 2**53 - 1
"""The largest integer that every reader of JSON holds exactly."""
MAX_SECONDS = 1e9
"""The longest duration: 31 years."""
MAX_MILLISECONDS = 10**14
"""The longest time of a ledger: the status writes it in seconds with at most 16 characters."""
MAX_EXIT_CODE = 2**31 - 1
"""The largest exit code that a container's status can hold; the smallest is its negative."""
MAX_REPORTED_RANKS = 2**16
"""The largest group."""
MAX_TEXT = 1024
"""Characters of a text that a program reports."""


def clamp(number: int, low: int = 0, high: int = MAX_INTEGER) -> int:
    """Return the integer from `low` to `high` that is nearest to `number`."""
    return max(low, min(number, high))


def clamp_float(number: float, high: float = float(MAX_INTEGER)) -> float:
    """Return the number from 0 to `high` that is nearest to `number`; 0 if it is none."""
    return 0.0 if math.isnan(number) else max(0.0, min(number, high))


Number = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
"""A number that names something, such as a generation or a worker; another one is rejected."""
Count = Annotated[int, AfterValidator(clamp)]
"""A measured number of something."""
Seconds = Annotated[float, AfterValidator(lambda seconds: clamp_float(seconds, MAX_SECONDS))]
"""A measured duration."""
Milliseconds = Annotated[int, Field(ge=0), AfterValidator(lambda milliseconds: min(milliseconds, MAX_MILLISECONDS))]
"""A duration in a time ledger, or an instant since 1970."""
Ranks = Annotated[int, AfterValidator(lambda ranks: clamp(ranks, high=MAX_REPORTED_RANKS))]
"""The size of a group. Heartbeats of larger groups are held open for longer, so it has a bound."""
ReportedExitCode = Annotated[int, AfterValidator(lambda code: clamp(code, -MAX_EXIT_CODE, MAX_EXIT_CODE))]
"""The exit code of a process; negative for a signal."""
ReportedText = Annotated[str, AfterValidator(lambda text: text[:MAX_TEXT])]
"""A text that is cut off after `MAX_TEXT` characters."""
