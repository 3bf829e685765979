"""Requests and responses of the coordinator: who may send which, what they contain, and how errors are answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import ValidationError

from llmtrain_api.job_token import is_authorized
from llmtrain_api.model import Message
from llmtrain_api.protocol import JOB_HEADER
from llmtrain_coordinator.transitions import Rejection

MAX_MESSAGE_BYTES = 2**20
"""Longest message that is accepted."""
OPEN_PATHS = frozenset({"/metrics", "/healthz"})
"""Paths that Prometheus and the kubelet request, without the job's token."""

MessageT = TypeVar("MessageT", bound=Message)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class JobIdentity:
    """The job that a coordinator serves."""

    namespace: str
    name: str
    uid: str
    """Distinguishes the job from a deleted one of the same name."""
    token: str = field(repr=False)
    """What every request presents, except for `OPEN_PATHS`."""


def authorize(job: JobIdentity) -> Middleware:
    """Return what answers 401 to strangers, before anything of a request is read, and 403 to processes of another job."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN_PATHS:
            return await handler(request)
        if not is_authorized(request.headers.get("Authorization"), job.token):
            return error_response(401, "This request does not present the job's token as Authorization: Bearer TOKEN.")
        if request.headers.get(JOB_HEADER) != job.uid:
            name = f"{job.namespace}/{job.name}"
            return error_response(403, f"This coordinator serves job {name} with another uid: see header {JOB_HEADER}.")
        return await handler(request)

    return check


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into JSON with one sentence."""
    try:
        return await handler(request)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return error_response(400, f"{where}: {first['msg']}" if where else str(first["msg"]))
    except web.HTTPRequestEntityTooLarge:
        return error_response(413, f"A message has at most {MAX_MESSAGE_BYTES} bytes.")
    except web.HTTPException as error:
        return error_response(error.status, f"{request.method} {request.path}: {error.reason}.")


async def read(request: web.Request, message: type[MessageT]) -> MessageT:
    """Return the message in the body."""
    return message.model_validate_json(await request.read())


def response(answer: Message | Rejection) -> web.Response:
    """Return an answer as JSON."""
    if isinstance(answer, Rejection):
        return error_response(410 if answer.surplus else 409, answer.message)
    return web.Response(body=serialise(answer), content_type="application/json")


def serialise(answer: Message) -> bytes:
    """Return a message as JSON."""
    return answer.model_dump_json(by_alias=True, exclude_none=True).encode()


def error_response(status: int, message: str) -> web.Response:
    """Return an error as JSON."""
    return web.json_response({"error": message}, status=status)
