"""What kopf calls: it logs in, configures itself, answers probes and stops. Objects are watched by informers."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import kopf

from llmtrain_operator.shell.informer import Informer


def registry(informers: Iterable[Informer], stopping: asyncio.Event) -> kopf.OperatorRegistry:
    """Return the handlers; probes report how long each of `informers` has heard nothing.

    `stopping` is set when kopf begins to stop, before it waits for the tasks that are not its own.
    """
    handlers = kopf.OperatorRegistry()
    watched = tuple(informers)

    @kopf.on.login(registry=handlers)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.startup(registry=handlers)
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.peering.standalone = True
        settings.networking.connect_timeout = 10

    @kopf.on.cleanup(registry=handlers)
    async def stop(**_: Any) -> None:
        stopping.set()

    @kopf.on.probe(registry=handlers, id="silentSeconds")
    def silent_seconds(**_: Any) -> dict[str, int]:
        return silence(watched, time.monotonic())

    return handlers


def silence(informers: Iterable[Informer], now: float) -> dict[str, int]:
    """Return for how many seconds the API server has sent nothing, by kind."""
    return {informer.kind: round(now - informer.heard_at) for informer in informers}
