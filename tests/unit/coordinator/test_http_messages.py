"""Who may send which request, and how errors are answered."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from llmtrain_api.job_token import authorization, new_token
from llmtrain_api.protocol import JOB_HEADER, Leave
from llmtrain_coordinator.http_messages import JobIdentity, authorize, error_middleware, read, response

TOKEN = new_token()
JOB = JobIdentity(namespace="team", name="gpt", uid="uid-1", token=TOKEN)
OWN = {JOB_HEADER: "uid-1", **authorization(TOKEN)}


async def echo(request: web.Request) -> web.Response:
    return response(await read(request, Leave))


async def metrics(request: web.Request) -> web.Response:
    return web.Response()


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    application = web.Application(middlewares=[error_middleware, authorize(JOB)])
    application.add_routes([web.post("/v1/leave", echo), web.get("/metrics", metrics)])
    async with TestClient(TestServer(application)) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="a stranger"),
        pytest.param({JOB_HEADER: "uid-1"}, 401, id="a stranger that knows the uid"),
        pytest.param({JOB_HEADER: "uid-1", **authorization(new_token())}, 401, id="another token"),
        pytest.param({JOB_HEADER: "uid-2", **authorization(TOKEN)}, 403, id="another job"),
        pytest.param(OWN, 400, id="the job, with a message that is none"),
    ],
)
async def test_a_request_is_read_only_if_it_is_of_the_job(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    response = await client.post("/v1/leave", data="{}", headers=headers)
    assert response.status == status
    assert TOKEN not in await response.text()


async def test_strangers_do_not_learn_which_paths_exist(client: TestClient) -> None:
    assert (await client.get("/v1/unknown")).status == 401
    assert (await client.get("/v1/unknown", headers=OWN)).status == 404


async def test_metrics_need_no_token(client: TestClient) -> None:
    assert (await client.get("/metrics")).status == 200


async def test_a_message_is_read_and_answered_as_json(client: TestClient) -> None:
    leave = Leave(incarnation="a0", reason="Finished")
    answer = await client.post("/v1/leave", data=leave.model_dump_json(by_alias=True), headers=OWN)
    assert Leave.model_validate_json(await answer.read()) == leave


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(JOB)
