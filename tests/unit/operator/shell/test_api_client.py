"""Connections to the API server: the environment's proxy is used, and looked up once."""

from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration

from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.api_client import connect, proxy_of

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield
    Configuration.set_default(None)


@pytest.mark.parametrize(
    ("variables", "url", "expected"),
    [
        pytest.param({}, "https://10.0.0.1:443", None, id="no proxy"),
        pytest.param({"HTTPS_PROXY": PROXY}, "https://10.0.0.1:443", PROXY, id="a proxy"),
        pytest.param({"HTTP_PROXY": PROXY}, "https://10.0.0.1:443", None, id="a proxy for another scheme"),
        pytest.param({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.1"}, "https://10.0.0.1:443", None, id="an exception"),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "NO_PROXY": ".svc"}, "https://kubernetes.default.svc", None, id="an exempt domain"
        ),
    ],
)
def test_the_proxy_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, expected: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == expected


async def test_requests_go_through_the_proxy_that_the_client_was_made_with(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(str(request.url))
        return web.json_response({"kind": "Pod"})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app) as proxy:
        Configuration.set_default(Configuration(host="http://api.example"))
        monkeypatch.setenv("HTTP_PROXY", str(proxy.make_url("")))
        async with connect() as client:
            monkeypatch.delenv("HTTP_PROXY")
            assert await Api(client).call("GET", "/api/v1/pods/p") == {"kind": "Pod"}
    assert asked == ["http://api.example/api/v1/pods/p"]
