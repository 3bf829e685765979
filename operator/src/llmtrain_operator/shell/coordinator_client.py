"""Asks a job's coordinator how it goes, and tells it how many workers are wanted."""

import logging
from datetime import UTC, datetime

import aiohttp

from llmtrain_api.names import COORDINATOR_PORT
from llmtrain_api.protocol import JOB_HEADER, CoordinatorStatus, DesiredWorkers
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.status.goodput import account_of, milliseconds, steps_done

ANSWER_SECONDS = 2.0
log = logging.getLogger(__name__)


async def sync_workers(session: aiohttp.ClientSession, job: Job, pod: PodView) -> CoordinatorStatus | None:
    """Return what the coordinator in `pod` knows; None if it doesn't answer, which is no failure of the job."""
    url = f"http://{pod.address}:{COORDINATOR_PORT}/v1/workers"
    wanted = DesiredWorkers(
        workers=job.spec.workers.replicas,
        min_workers=job.spec.workers.min,
        ledger=account_of(job.status),
        step=steps_done(job.status),
        now_ms=milliseconds(datetime.now(UTC)),
    )
    try:
        async with session.put(
            url,
            data=wanted.model_dump_json(by_alias=True, exclude_none=True),
            headers={JOB_HEADER: job.uid, "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        ) as response:
            response.raise_for_status()
            return CoordinatorStatus.model_validate_json(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        log.debug("coordinator of %s/%s: %s", job.namespace, job.name, error)
        return None
