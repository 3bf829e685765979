"""Which text is held out: files are chosen by a hash of their names, so a file never changes sides."""

import hashlib
from dataclasses import dataclass

from llmtrain_trainer.data.source import TextFile


@dataclass(frozen=True, kw_only=True)
class Split:
    """Documents to train on and documents never to train on."""

    training: list[str]
    held_out: list[str]
    undecodable: int
    """Files left out because they aren't UTF-8 text."""


def split(files: list[TextFile], held_out_percent: int) -> Split:
    """Hold out about `held_out_percent` of the files, at least one; of a single file, its end."""
    texts = {file.name: text for file in files if (text := file.text)}
    undecodable = sum(file.text is None for file in files)
    if len(texts) == 1:
        beginning, end = _cut(next(iter(texts.values())), held_out_percent)
        return Split(training=[beginning], held_out=[end], undecodable=undecodable)
    held_out = _held_out(list(texts), held_out_percent)
    return Split(
        training=[text for name, text in texts.items() if name not in held_out],
        held_out=[text for name, text in texts.items() if name in held_out],
        undecodable=undecodable,
    )


def place(name: str) -> float:
    """Return where a file name falls in [0, 1), by its hash."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) / 2**64


def _held_out(names: list[str], held_out_percent: int) -> frozenset[str]:
    chosen = frozenset(name for name in names if place(name) < held_out_percent / 100)
    if len(chosen) == len(names):
        return chosen - {max(names, key=place)}
    return chosen or frozenset({min(names, key=place)})


def _cut(text: str, held_out_percent: int) -> tuple[str, str]:
    """Cut one text in two, behind the last line end before the wanted place."""
    wanted = len(text) - max(1, len(text) * held_out_percent // 100)
    at = text.rfind("\n", 0, wanted) + 1 or wanted
    return text[:at], text[at:]
