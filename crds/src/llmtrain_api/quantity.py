"""Kubernetes quantities: amounts of CPU, memory and storage, such as "500m" or "2Gi". Standard library only."""

import re
from decimal import Decimal

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_FACTORS = {suffix: Decimal(10) ** exponent for suffix, exponent in _DECIMAL.items()}
_FACTORS |= {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)([numkMGTPE]?|[KMGTPE]i)")


def parse_quantity(text: str) -> Decimal:
    """Return a quantity as an exact number of base units: "500m" is 0.5 (cores), "2Gi" is 2147483648 (bytes).

    ValueError if `text` is not a Kubernetes quantity.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a Kubernetes quantity, such as 500m or 2Gi")
    number, suffix = match.groups()
    return Decimal(number) * _FACTORS[suffix]
