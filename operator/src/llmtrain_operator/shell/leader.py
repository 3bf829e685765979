"""The Lease that lets one replica be active. A replica that goes gives it back, so the next needn't wait."""

import asyncio
import logging
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient, ApiException, V1Lease, V1ObjectMeta
from kubernetes.aio.leaderelection import electionconfig, leaderelection
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

LEASE_NAME = "llmtrain-operator"
LEASE_SECONDS, RENEW_SECONDS, RETRY_SECONDS = 15, 10, 2
log = logging.getLogger(__name__)


class ReleasableLease(LeaseLock):
    """A Lease that outlives a lost connection and can be given back."""

    async def get(self, name: str, namespace: str) -> Any:
        """Return the Lease's record; a lost connection counts as an answer that isn't known."""
        try:
            return await super().get(name, namespace)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return False, ApiException(status=0, reason=f"no connection: {error}")

    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """Return whether the Lease, made anew, is ours; the package's own call fails its own validation."""
        body = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        try:
            self.lease_reference = await self.api_instance.create_namespaced_lease(namespace, body)
        except (ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the lease could not be made: %s", error)
            return False
        return True

    async def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        """Return whether the Lease is ours now."""
        try:
            return bool(await super().update(name, namespace, updated_record))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def release(self) -> None:
        """Give the Lease back, if it is ours."""
        lease = self.lease_reference
        if lease is None or lease.spec is None or lease.spec.holder_identity != self.identity:
            return
        lease.spec.holder_identity = None
        try:
            await self.api_instance.replace_namespaced_lease(self.name, self.namespace, lease)
        except (ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the lease could not be given back: %s", error)


async def run_leader_election(client: ApiClient, namespace: str, identity: str, leads: asyncio.Event) -> None:
    """Wait for the Lease, then set `leads` and hold it; return when it is lost.

    The work is not given to the package: it would drop the work's error and go on holding the Lease.
    """
    lease = ReleasableLease(LEASE_NAME, namespace, identity, client)

    async def started() -> None:
        leads.set()

    async def stopped() -> None:
        log.error("the lease was lost to another replica")

    config = electionconfig.Config(
        lease,
        lease_duration=LEASE_SECONDS,
        renew_deadline=RENEW_SECONDS,
        retry_period=RETRY_SECONDS,
        onstarted_leading=started,
        onstopped_leading=stopped,
    )
    try:
        await leaderelection.LeaderElection(config).run()
    finally:
        await lease.release()
