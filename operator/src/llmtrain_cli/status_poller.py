"""Polls the coordinator's status while a job trains."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import aiohttp
from pydantic import ValidationError

from llmtrain_api.job_token import authorization, read_token
from llmtrain_api.protocol import JOB_HEADER, CoordinatorStatus
from llmtrain_api.run_config import RunConfig

POLL_SECONDS = 0.3
TIMEOUT_SECONDS = 5.0


class StatusPoller:
    """Calls `show` with the coordinator's status whenever it has changed; a coordinator that doesn't answer is skipped."""

    def __init__(self, run: RunConfig, show: Callable[[CoordinatorStatus], None]) -> None:
        self._run, self._show = run, show
        self._headers = {JOB_HEADER: run.uid, **authorization(read_token(Path(run.token_file)))}
        self._last: CoordinatorStatus | None = None

    async def poll_forever(self) -> None:
        """Poll every POLL_SECONDS until cancelled."""
        while True:
            await self.poll()
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> None:
        """Poll once."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        url = f"http://{self._run.coordinator}/v1/status"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValidationError):
            async with aiohttp.request("GET", url, headers=self._headers, timeout=timeout) as response:
                status = CoordinatorStatus.model_validate_json(await response.read())
            if status != self._last:
                self._show(status)
            self._last = status
