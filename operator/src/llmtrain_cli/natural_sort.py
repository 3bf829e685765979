"""The order in which people count: 2 comes before 10."""

import re

DIGITS = re.compile(r"(\d+)")


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return the key by which names with numbers in them are sorted: of pods, or of parts of GPUs such as `0:1`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in DIGITS.split(name)]
