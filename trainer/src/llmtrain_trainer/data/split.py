"""The held-out split: files are chosen by a hash of their names, so a file always stays in its split."""

import hashlib
from dataclasses import dataclass

from llmtrain_trainer.data.source import TextFile


@dataclass(frozen=True, kw_only=True)
class Split:
    """Documents for training, and documents held out for evaluation."""

    training: list[str]
    held_out: list[str]
    undecodable: int
    """Files left out because they are not UTF-8 text."""


def split(files: list[TextFile], held_out_percent: int) -> Split:
    """Hold out about `held_out_percent` of the files, but at least one. A single file is cut, and its end held out."""
    texts = {file.name: text for file in files if (text := file.text)}
    undecodable = sum(file.text is None for file in files)
    if len(texts) == 1:
        training, held_out = _cut(next(iter(texts.values())), held_out_percent)
        return Split(training=[training], held_out=[held_out], undecodable=undecodable)
    held_out_names = _held_out(list(texts), held_out_percent)
    return Split(
        training=[text for name, text in texts.items() if name not in held_out_names],
        held_out=[text for name, text in texts.items() if name in held_out_names],
        undecodable=undecodable,
    )


def hash_fraction(name: str) -> float:
    """Return the hash of a file name as a number in [0, 1)."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) / 2**64


def _held_out(names: list[str], held_out_percent: int) -> frozenset[str]:
    chosen = frozenset(name for name in names if hash_fraction(name) < held_out_percent / 100)
    if len(chosen) == len(names):
        return chosen - {max(names, key=hash_fraction)}
    return chosen or frozenset({min(names, key=hash_fraction)})


def _cut(text: str, held_out_percent: int) -> tuple[str, str]:
    """Cut a text in two after the last line break before the desired position."""
    desired = len(text) - max(1, len(text) * held_out_percent // 100)
    at = text.rfind("\n", 0, desired) + 1 or desired
    return text[:at], text[at:]
