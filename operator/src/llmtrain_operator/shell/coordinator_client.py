"""The client of a job's coordinator: sends the desired workers, and gets the coordinator's status."""

import logging
from datetime import UTC, datetime

import aiohttp

from llmtrain_api.events import OperatorEvent
from llmtrain_api.names import COORDINATOR_PORT
from llmtrain_api.protocol import JOB_HEADER, CoordinatorStatus, DesiredWorkers
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.status.goodput import ledger_of, milliseconds, steps_done

TIMEOUT_SECONDS = 2.0
log = logging.getLogger(__name__)


async def sync_workers(session: aiohttp.ClientSession, job: Job, pod: PodView) -> CoordinatorStatus | None:
    """Return the status of the coordinator in `pod`; None if it does not answer, which is no failure of the job."""
    url = f"http://{pod.address}:{COORDINATOR_PORT}/v1/workers"
    desired = DesiredWorkers(
        workers=job.spec.workers.replicas,
        min_workers=job.spec.workers.min,
        ledger=ledger_of(job.status),
        step=steps_done(job.status),
        now_ms=milliseconds(datetime.now(UTC)),
    )
    try:
        async with session.put(
            url,
            data=desired.model_dump_json(by_alias=True, exclude_none=True),
            headers={JOB_HEADER: job.uid, "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        ) as response:
            response.raise_for_status()
            return CoordinatorStatus.model_validate_json(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        fields = {"namespace": job.namespace, "name": job.name, "message": str(error) or type(error).__name__}
        log.debug(OperatorEvent.COORDINATOR_UNREACHABLE, extra={"fields": fields})
        return None
