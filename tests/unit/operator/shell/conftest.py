"""Fixtures of the tests of the operator's shell."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from llmtrain_operator.shell.api import Api
from unit.operator.shell.api_server import ApiServer


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    """Yield a running API server with a client."""
    answers = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answers.handle)
    async with (
        TestServer(app) as running,
        ApiClient(Configuration(host=str(running.make_url("")).rstrip("/"))) as client,
    ):
        answers.api = Api(client)
        yield answers
