"""The client of a job's coordinator: sends the desired workers, and gets the coordinator's status."""

import logging
import os
from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp

from llmtrain_api.bounds import clamp
from llmtrain_api.events import OperatorEvent
from llmtrain_api.job_token import authorization
from llmtrain_api.listening import url_host
from llmtrain_api.names import COORDINATOR_PORT, token_secret_name
from llmtrain_api.printable import printable
from llmtrain_api.protocol import JOB_HEADER, CoordinatorStatus, DesiredWorkers
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.reported import read_coordinator_status
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.status.goodput import coordinator_accounts, ledger_of, milliseconds, steps_done

TIMEOUT = aiohttp.ClientTimeout(total=2.0, sock_connect=0.5)
MAX_ANSWER_BYTES = 4 * 2**20
"""Limit of an answer. It comes from a pod in a user's namespace, which can send anything."""
log = logging.getLogger(__name__)


class NoAnswer(Exception):
    """The coordinator gave no answer, or none that can be read. That is no failure of the job."""

    def __init__(self, message: str, *, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal
        """Whether it accepts no token of the operator's."""


class TokenRefused(ValueError):
    """The coordinator accepts no token of the operator's keys."""


async def sync_workers(
    session: aiohttp.ClientSession,
    job: Job,
    pod: PodView,
    tokens: tuple[str, ...],
    last: CoordinatorStatus | None = None,
) -> CoordinatorStatus:
    """Return the status of the coordinator in `pod`; raise NoAnswer if there is none.

    `tokens` are those that the coordinator can have; `last` is the last answer of a coordinator of this job: a new one
    continues from it where it is ahead of the status.
    """
    try:
        return await put_workers(session, job, pod, tokens, desired_workers(job, last))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        fields = {"namespace": job.namespace, "name": job.name, "message": str(error)[:500] or type(error).__name__}
        level = logging.WARNING if isinstance(error, TokenRefused) else logging.DEBUG
        log.log(level, OperatorEvent.COORDINATOR_UNREACHABLE, extra={"fields": fields})
        raise NoAnswer(cause_of(error), is_refusal=isinstance(error, TokenRefused)) from error


async def put_workers(
    session: aiohttp.ClientSession, job: Job, pod: PodView, tokens: tuple[str, ...], desired: DesiredWorkers
) -> CoordinatorStatus:
    """Send the desired workers with one token after the other, until one is accepted; TokenRefused if none is."""
    for token in tokens:
        async with session.put(
            f"http://{url_host(pod.address)}:{COORDINATOR_PORT}/v1/workers",
            data=desired.model_dump_json(by_alias=True, exclude_none=True),
            headers={
                JOB_HEADER: job.uid,
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                **authorization(token),
            },
            timeout=TIMEOUT,
            allow_redirects=False,
        ) as response:
            if response.status != HTTPStatus.UNAUTHORIZED:
                return read_coordinator_status(await read_answer(response))
    raise TokenRefused(
        f"the coordinator accepts no token of the operator's keys: delete the Secret {token_secret_name(job.name, job.uid)} "
        "and the pods of the job, if the key was replaced without keeping the previous one"
    )


def cause_of(error: Exception) -> str:
    """Return why there is no answer, in words that stay the same while the cause does."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)  # without the address
    return printable(str(error), 256) or type(error).__name__


def desired_workers(job: Job, last: CoordinatorStatus | None) -> DesiredWorkers:
    """Return what a coordinator is sent: the desired workers, and the newest ledger and step that are known."""
    ledger, step = ledger_of(job.status), steps_done(job.status)
    if last is not None and coordinator_accounts(job.status):
        if last.ledger is not None and (ledger is None or last.ledger.total_ms > ledger.total_ms):
            ledger = last.ledger
        step = max(step, clamp(last.progress.step)) if last.progress is not None else step
    return DesiredWorkers(
        workers=job.spec.workers.replicas,
        min_workers=job.spec.workers.min,
        ledger=ledger,
        step=step,
        now_ms=milliseconds(datetime.now(UTC)),
    )


async def read_answer(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of a coordinator's answer; ValueError if it is an error, compressed or too long."""
    if response.status != HTTPStatus.OK or "Content-Encoding" in response.headers:
        raise ValueError(f"the answer has the status {response.status}, or an encoding that was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_chunked(2**16):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)
