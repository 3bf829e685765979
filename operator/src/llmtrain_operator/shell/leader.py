"""Leader election: the replica that holds the Lease is active. It releases the Lease when it stops."""

import asyncio
import logging
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient, ApiException, V1Lease, V1ObjectMeta
from kubernetes.aio.leaderelection import electionconfig, leaderelection
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from llmtrain_api.events import OperatorEvent

LEASE_NAME = "llmtrain-operator"
LEASE_SECONDS, RENEW_SECONDS, RETRY_SECONDS = 15, 10, 2
"""Duration of the Lease, time to renew it before leadership is given up, and time between attempts."""
log = logging.getLogger(__name__)


class ReleasableLease(LeaseLock):
    """A Lease that tolerates a lost connection and can be released."""

    async def get(self, name: str, namespace: str) -> Any:
        """Return whether the Lease was read, with its record or an error; a lost connection is such an error."""
        try:
            return await super().get(name, namespace)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return False, ApiException(status=0, reason=f"no connection: {error}")

    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """Create the Lease, and return whether this replica holds it. The package's `create` fails its own validation."""
        body = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        try:
            self.lease_reference = await self.api_instance.create_namespaced_lease(namespace, body)
        except (ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning(OperatorEvent.LEASE_FAILED, extra={"fields": {"message": f"create: {error}"}})
            return False
        return True

    async def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        """Update the Lease, and return whether this replica holds it."""
        try:
            return bool(await super().update(name, namespace, updated_record))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def release(self) -> None:
        """Release the Lease if this replica holds it, so that the next leader need not wait for it to expire."""
        lease = self.lease_reference
        if lease is None or lease.spec is None or lease.spec.holder_identity != self.identity:
            return
        lease.spec.holder_identity = None
        try:
            await self.api_instance.replace_namespaced_lease(self.name, self.namespace, lease)
        except (ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning(OperatorEvent.LEASE_FAILED, extra={"fields": {"message": f"release: {error}"}})


async def run_leader_election(client: ApiClient, namespace: str, identity: str, leads: asyncio.Event) -> None:
    """Acquire the Lease, then set `leads` and renew it; return when it is lost.

    The leader's work does not run as the package's callback: the package would drop an error of the work, and keep
    holding the Lease.
    """
    lease = ReleasableLease(LEASE_NAME, namespace, identity, client)

    async def started() -> None:
        leads.set()

    async def stopped() -> None:
        log.error(OperatorEvent.LEASE_LOST)

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
