"""Evaluation keeps a few numbers of each sequence and never its logits, which would be 2.4 GB."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from support.evaluation_memory import EVALUATIONS, SEQUENCES, VOCABULARY, added_mib, prepared

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
MAX_ADDED_MIB = 300 * 1e6 / 2**20


def in_a_new_process(function: Callable[P, ResultT], *arguments: P.args, **named: P.kwargs) -> ResultT:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **named).result()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EVALUATIONS)
def test_20000_sequences_with_a_vocabulary_of_32000_add_less_than_300_mb(name: str, tmp_path: Path) -> None:
    dataset = in_a_new_process(prepared, name, tmp_path)
    judged, vocabulary, added = in_a_new_process(added_mib, name, tmp_path, dataset)
    print(f"evaluation_memory {name} {added:.0f} MiB for {judged} sequences, {vocabulary} tokens")
    assert judged >= SEQUENCES
    assert vocabulary >= VOCABULARY
    assert added < MAX_ADDED_MIB
