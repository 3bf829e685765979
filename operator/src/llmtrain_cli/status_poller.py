"""Asks the coordinator how far the training is."""

import asyncio
import contextlib
from collections.abc import Callable

import aiohttp
from pydantic import ValidationError

from llmtrain_api.protocol import JOB_HEADER, CoordinatorStatus
from llmtrain_api.run_config import RunConfig

ASK_SECONDS = 0.3


class StatusPoller:
    """Shows the coordinator's status whenever it has changed. While it does not answer, nothing is shown."""

    def __init__(self, run: RunConfig, show: Callable[[CoordinatorStatus], None]) -> None:
        self._run, self._show = run, show
        self._seen: CoordinatorStatus | None = None

    async def look_for_ever(self) -> None:
        """Look every now and then, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(ASK_SECONDS)

    async def look(self) -> None:
        """Look once."""
        timeout = aiohttp.ClientTimeout(total=5)
        url, headers = f"http://{self._run.coordinator}/v1/status", {JOB_HEADER: self._run.uid}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValidationError):
            async with aiohttp.request("GET", url, headers=headers, timeout=timeout) as response:
                status = CoordinatorStatus.model_validate_json(await response.read())
            if status != self._seen:
                self._show(status)
            self._seen = status
