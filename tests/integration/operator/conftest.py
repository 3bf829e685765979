"""A real API server with a played cluster, for one test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from integration.operator.lives import Laboratory
from support.control_plane import Administrator, Server, running_control_plane
from support.operator_processes import Operators
from support.played_cluster import PlayedCluster
from support.ports import own_loopback_address


@pytest.fixture
def control_plane(tmp_path: Path) -> Iterator[Server]:
    """An API server."""
    with running_control_plane(tmp_path) as server:
        yield server


@pytest.fixture
async def laboratory(control_plane: Server, tmp_path: Path) -> AsyncIterator[Laboratory]:
    """Everything that lives need."""
    async with control_plane.connect() as session:
        operators = await Operators.prepare(tmp_path)
        admin = Administrator(session)
        try:
            async with PlayedCluster(admin, own_loopback_address()).running() as cluster:
                yield Laboratory(admin=admin, cluster=cluster, operators=operators)
        finally:
            await operators.stop()
