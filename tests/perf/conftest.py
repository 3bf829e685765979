"""The cluster of the operator's measurements, and the operator."""

import asyncio
import shutil
import time
from collections.abc import Iterator

import pytest

from llmtrain_kind.paths import REPOSITORY
from perf.scale import cluster as scale
from perf.scale.bench import Bench, prepare
from perf.scale.coordinators import running_coordinators
from perf.scale.operator import OperatorProcess, running_operator


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """The cluster with kwok, its nodes and the coordinators. The logs stay in build/bench-operator."""
    folder = REPOSITORY / "build" / "bench-operator"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started_at = time.time()
    cluster = scale.up()
    bench = Bench(cluster=cluster, folder=folder, started_at=started_at)
    with running_coordinators(started_at), scale.kwok(cluster, folder / "kwok.log"):
        asyncio.run(prepare(bench))
        yield bench


@pytest.fixture(scope="module")
def operator(bench: Bench) -> Iterator[OperatorProcess]:
    """The operator, from the first jobs on until all of them have ended."""
    with running_operator(bench.cluster, bench.folder) as operator:
        yield operator
