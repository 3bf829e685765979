"""Kubernetes quantities: amounts of CPU, memory and storage, such as "500m" or "2Gi". Standard library only."""

import re
from decimal import ROUND_CEILING, Decimal

MAX_AMOUNT = 2**63 - 1
"""The largest whole amount, to which Kubernetes limits quantities too."""
MAX_LENGTH = 64
"""Characters of the longest quantity that is read."""
MAX_EXPONENT = 99
"""Largest exponent that is read, such as in "1e99"; a larger one would cost memory in proportion to the number."""

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_FACTORS = {suffix: Decimal(10) ** exponent for suffix, exponent in _DECIMAL.items()}
_FACTORS |= {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?0*([0-9]+))?)([numkMGTPE]?|[KMGTPE]i)")


def parse_quantity(text: str) -> Decimal:
    """Return a quantity as an exact number of base units: "500m" is 0.5 (cores), "2Gi" is 2147483648 (bytes).

    ValueError if `text` is not a Kubernetes quantity.
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None or int(match[2] or 0) > MAX_EXPONENT:
        raise ValueError(f"{text[:MAX_LENGTH]!r} is not a Kubernetes quantity, such as 500m or 2Gi")
    return Decimal(match[1]) * _FACTORS[match[3]]


def is_positive(text: str) -> bool:
    """Return whether a quantity is greater than 0. As a limit, 0 would be none. ValueError if it is no quantity."""
    return parse_quantity(text) > 0


def whole_amount(value: object) -> int | None:
    """Return the quantity of an object's field as a whole number from 0 to 2^63 - 1, rounded up; None if it is unknown.

    It never raises: `value` is what some client wrote, and can have any type and size. A negative amount is unknown.
    """
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    if isinstance(value, int):  # its text can be too long to be made
        return min(value, MAX_AMOUNT) if value >= 0 else None
    try:
        amount = parse_quantity(str(value).strip())
    except ValueError:
        return None
    if amount < 0:
        return None
    return MAX_AMOUNT if amount >= MAX_AMOUNT else int(amount.to_integral_value(ROUND_CEILING))
