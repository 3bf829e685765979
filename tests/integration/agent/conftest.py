"""Nodes with a fake NVML."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.fake_node import Node


@pytest.fixture
def make_node(tmp_path: Path, library: Path) -> Iterator[Callable[..., Node]]:
    """Return a function that makes nodes, whose readers stop with the test."""
    made: list[Node] = []

    def make(*, with_library: bool = True) -> Node:
        made.append(Node(tmp_path, library if with_library else None))
        return made[-1]

    yield make
    for node in made:
        if node.process and node.process.poll() is None:
            assert node.stop() == 0


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    """Return a node with 8 GPUs under load."""
    return make_node()
