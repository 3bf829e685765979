"""Leader election: the replica that holds the Lease is active. It releases the Lease when it stops.

Only the time that this process has measured decides, so that a clock that is set changes nothing: a Lease has expired when
it was not renewed for its duration since this replica first saw its version, and leadership ends when no renewal of this
replica's own succeeded in time, whether the API server refuses, fails or does not answer.

The election runs in a thread of its own, so that no amount of other work keeps it from renewing the Lease in time.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from llmtrain_api.events import OperatorEvent
from llmtrain_operator.core.manifest import Manifest, fields_at, text_at, value_at
from llmtrain_operator.shell.api import Api, path_of
from llmtrain_operator.shell.errors import ApiError, Conflict, NotFound

API_VERSION = "coordination.k8s.io/v1"
LEASE_NAME = "llmtrain-operator"
LEASE_SECONDS, RENEW_SECONDS, RETRY_SECONDS = 15, 10, 2
"""Duration of the Lease, time to renew it before leadership is given up, and time between attempts."""
CALL_SECONDS = 5.0
"""How long one attempt to acquire, renew or release the Lease can take."""
MAX_LEASE_SECONDS = 60
"""Longest duration of another replica's Lease that is respected."""
MAX_TRANSITIONS = 2**31 - 1
"""From this number of transitions on, which is the largest that the API server accepts, they are counted from 0."""
log = logging.getLogger(__name__)


class Lease:
    """The Lease, as one replica sees it."""

    def __init__(self, api: Api, namespace: str, identity: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.api, self.namespace, self.identity, self.clock = api, namespace, identity, clock
        self.written: Manifest | None = None
        """The Lease as last written by this replica; None if it must be read first."""
        self.version, self.version_at = "", 0.0
        """The version that another replica holds, and when it was first seen."""
        self.renewed_at: float | None = None
        """When the last renewal that succeeded was requested; None if this replica has never held the Lease."""

    @property
    def remaining_seconds(self) -> float:
        """How long this replica can still act as the leader."""
        return self.renewed_at + RENEW_SECONDS - self.clock() if self.renewed_at is not None else 0.0

    async def acquire(self) -> bool:
        """Acquire or renew the Lease; return whether this replica holds it. ApiError if that is unknown."""
        asked_at = self.clock()
        lease = self.written or await self.read()
        self.written = None
        if lease is not None and not self.can_take(lease):
            return False
        self.written = await self.write(lease)
        self.renewed_at = asked_at
        return True

    async def read(self) -> Manifest | None:
        """Return the Lease; None if it does not exist."""
        try:
            return await self.api.call("GET", self.path(LEASE_NAME), seconds=CALL_SECONDS)
        except NotFound:
            return None

    def can_take(self, lease: Manifest) -> bool:
        """Return whether this replica holds the Lease already, or it is free, or it has expired."""
        holder, version = text_at(lease, "spec", "holderIdentity"), text_at(lease, "metadata", "resourceVersion")
        if holder in ("", self.identity):
            return True
        now, seconds = self.clock(), value_at(lease, "spec", "leaseDurationSeconds")
        if version != self.version:
            self.version, self.version_at = version, now
        duration = seconds if isinstance(seconds, int) and 0 < seconds <= MAX_LEASE_SECONDS else LEASE_SECONDS
        return now - self.version_at > duration

    async def write(self, lease: Manifest | None) -> Manifest:
        """Create the Lease, or replace the version that was read; Conflict if another replica was faster."""
        spec, now = fields_at(lease, "spec"), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        holds, transitions = spec.get("holderIdentity") == self.identity, spec.get("leaseTransitions")
        transitions = transitions if isinstance(transitions, int) and 0 <= transitions < MAX_TRANSITIONS else 0
        new_spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": LEASE_SECONDS,
            "acquireTime": (text_at(spec, "acquireTime") if holds else "") or now,
            "renewTime": now,
            "leaseTransitions": transitions if holds or lease is None else transitions + 1,
        }
        return await self.send(lease, new_spec)

    async def release(self) -> None:
        """Release the Lease if this replica holds it, so that the next leader need not wait for it to expire."""
        lease = await self.read()  # not the version last written: an answer may have been lost
        if lease is not None and text_at(lease, "spec", "holderIdentity") == self.identity:
            await self.send(lease, {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1})

    async def send(self, lease: Manifest | None, spec: Manifest) -> Manifest:
        """Create the Lease, or replace the given version of it; return what was written."""
        metadata = {"name": LEASE_NAME, "namespace": self.namespace, **fields_at(lease, "metadata")}
        body = {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}
        method, name = ("POST", "") if lease is None else ("PUT", LEASE_NAME)
        return await self.api.call(method, self.path(name), body, seconds=CALL_SECONDS, fenced=False)

    def path(self, name: str) -> str:
        """Return the URL path of the Lease, or without a name of all Leases."""
        return path_of(API_VERSION, "Lease", self.namespace, name)


async def run_leader_election(lease: Lease, elected: Callable[[], object]) -> None:
    """Acquire the Lease, then call `elected` and renew it; return when it is lost. Release it at the end."""
    try:
        while not await attempt(lease, CALL_SECONDS):
            await asyncio.sleep(RETRY_SECONDS)
        elected()
        await hold(lease)
        log.error(OperatorEvent.LEASE_LOST)
    finally:
        if lease.renewed_at is not None:
            await release(lease)


async def hold(lease: Lease) -> None:
    """Renew the Lease until another replica holds it, or no renewal succeeded in time."""
    while (remaining := lease.remaining_seconds) > 0:
        await asyncio.sleep(min(RETRY_SECONDS, remaining))
        if await attempt(lease, min(CALL_SECONDS, lease.remaining_seconds)) is False:
            return


async def attempt(lease: Lease, seconds: float) -> bool | None:
    """Try to acquire or renew the Lease within `seconds`; return whether this replica holds it, None if unknown."""
    try:
        async with asyncio.timeout(seconds):
            return await lease.acquire()
    except (ApiError, TimeoutError) as error:
        lease.written = None
        if not isinstance(error, Conflict):
            message = f"acquire: {error or type(error).__name__}"
            log.warning(OperatorEvent.LEASE_FAILED, extra={"fields": {"message": message}})
        return None


async def release(lease: Lease) -> None:
    """Release the Lease; that it fails costs the next leader only time."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await lease.release()
    except (ApiError, TimeoutError) as error:
        message = f"release: {error or type(error).__name__}"
        log.warning(OperatorEvent.LEASE_FAILED, extra={"fields": {"message": message}})
