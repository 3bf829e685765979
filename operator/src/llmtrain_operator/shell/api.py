"""The Kubernetes API on plain dicts, through the client package's connection pool."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import aiohttp
from kubernetes.aio.client import ApiClient

from llmtrain_api.names import CLUSTER_KIND, CLUSTER_PLURAL, FIELD_MANAGER, JOB_KIND, JOB_PLURAL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import Event, ObjectReference
from llmtrain_operator.shell.errors import Unavailable, error_for
from llmtrain_operator.shell.metrics import count_call

PLURALS = {
    "Pod": "pods",
    "Service": "services",
    "ConfigMap": "configmaps",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PodGroup": "podgroups",
    "Node": "nodes",
    JOB_KIND: JOB_PLURAL,
    CLUSTER_KIND: CLUSTER_PLURAL,
}
"""Plurals in URL paths, by kind."""
REQUEST_SECONDS = 30
CALLS_PER_SECOND, BURST = 50.0, 100.0
"""Client-side rate limit."""
CONNECTION_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
"""Errors of a connection that cannot be made or is lost."""


def path_of(api_version: str, kind: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Return the URL path of an object or a collection."""
    root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    parts = [root, *(["namespaces", namespace] if namespace else []), PLURALS[kind], name, subresource]
    return "/".join(part for part in parts if part)


class TokenBucket:
    """A rate limit: `rate` calls per second on average, at most `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.filled_at = burst, time.monotonic()

    async def take(self) -> None:
        """Wait until a call is allowed."""
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        self.tokens -= 1
        if self.tokens < 0:
            await asyncio.sleep(-self.tokens / self.rate)


class Api:
    """Calls to one API server."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self.bucket = TokenBucket(CALLS_PER_SECOND, BURST)

    async def call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        """Return the JSON answer to one request; raise an ApiError if it fails."""
        await self.bucket.take()
        resource = path.split("?")[0].removesuffix("/status").split("/")
        response = await self.send(method, path, body, content_type, REQUEST_SECONDS)
        try:
            data = await response.read()
        except CONNECTION_ERRORS as error:
            raise Unavailable(f"the answer of the API server was cut off: {error or type(error).__name__}") from error
        count_call(method, resource_of(resource), response.status)
        if response.status >= 400:
            raise error_for(response.status, data, response.headers.get("Retry-After"))
        answer: Manifest = json.loads(data) if data else {}
        return answer

    async def send(
        self, method: str, path: str, body: Manifest | None, content_type: str, seconds: float
    ) -> aiohttp.ClientResponse:
        """Return the raw answer; raise Unavailable if there is none."""
        headers = {"Content-Type": content_type, "Accept": "application/json", "User-Agent": FIELD_MANAGER}
        await self.client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self.client.configuration.host + path
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            answer = await self.client.call_api(method, url, headers, body, _request_timeout=timeout)
        except CONNECTION_ERRORS as error:
            raise Unavailable(f"no answer from the API server: {error or type(error).__name__}") from error
        response: aiohttp.ClientResponse = answer.response
        return response

    async def watch(self, path: str, seconds: float) -> AsyncIterator[Manifest]:
        """Yield the events of a watch, for at most `seconds`."""
        response = await self.send("GET", path, None, "application/json", seconds)
        if response.status >= 400:
            raise error_for(response.status, await response.read(), response.headers.get("Retry-After"))
        try:
            async for line in response.content:
                yield json.loads(line)
        except CONNECTION_ERRORS as error:
            raise Unavailable(f"the watch was cut off: {error or type(error).__name__}") from error
        finally:
            response.close()

    async def has_resource(self, api_version: str, plural: str) -> bool:
        """Return whether the API server serves a resource."""
        try:
            listing = await self.call("GET", f"/apis/{api_version}")
        except Unavailable:
            raise
        except Exception:
            return False
        return any(resource["name"] == plural for resource in listing.get("resources", ()))

    async def apply(self, manifest: Manifest) -> Manifest:
        """Apply an object server-side, taking over fields that other managers have changed; return the result."""
        metadata = manifest["metadata"]
        path = path_of(manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        query = f"?fieldManager={FIELD_MANAGER}&force=true"
        return await self.call("PATCH", path + query, manifest, "application/apply-patch+yaml")

    async def delete(self, reference: ObjectReference) -> None:
        """Delete the referenced object, and its dependents in the background."""
        path = path_of(reference.api_version, reference.kind, reference.namespace, reference.name)
        options: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if reference.uid:
            options["preconditions"] = {"uid": reference.uid}
        if reference.force:
            options["gracePeriodSeconds"] = 0
        await self.call("DELETE", path, options)

    async def replace_status(self, obj: Manifest, status: Manifest) -> Manifest:
        """Replace the status of an object, and return the object; raise Conflict if it has changed since it was read."""
        metadata = obj["metadata"]
        path = path_of(obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"], "status")
        return await self.call("PUT", path, {**obj, "status": status})

    async def create_event(self, obj: Manifest, event: Event, now: str) -> None:
        """Create an event about an object; `now` is RFC 3339 without fractions of a second."""
        metadata = obj["metadata"]
        namespace = metadata.get("namespace") or "default"
        involved = {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion") if key in metadata}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": namespace},
            "involvedObject": {"apiVersion": obj["apiVersion"], "kind": obj["kind"], **involved},
            "reason": event.reason,
            "message": event.message[:1024],
            "type": event.type,
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        await self.call("POST", f"/api/v1/namespaces/{namespace}/events", body)


def resource_of(parts: list[str]) -> str:
    """Return the plural in a split URL path; "other" if there is none."""
    return next((part for part in reversed(parts) if part in PLURALS.values() or part == "events"), "other")
