"""The Kubernetes API on plain dicts, through the client package's connection pool."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import aiohttp
from kubernetes.aio.client import ApiClient
from pydantic_core import from_json

from llmtrain_api.names import CLUSTER_KIND, CLUSTER_PLURAL, FIELD_MANAGER, JOB_KIND, JOB_PLURAL
from llmtrain_operator.core.manifest import Manifest, items_at, text_at
from llmtrain_operator.core.plan import Event, ObjectReference
from llmtrain_operator.shell.errors import ApiError, Unavailable, error_for
from llmtrain_operator.shell.metrics import count_call
from llmtrain_operator.shell.token_bucket import TokenBucket
from llmtrain_operator.shell.work_queue import CURRENT_KEY

PLURALS = {
    "Pod": "pods",
    "Service": "services",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PodGroup": "podgroups",
    "NetworkPolicy": "networkpolicies",
    "Node": "nodes",
    "Namespace": "namespaces",
    "ResourceQuota": "resourcequotas",
    "Lease": "leases",
    JOB_KIND: JOB_PLURAL,
    CLUSTER_KIND: CLUSTER_PLURAL,
}
"""Plurals in URL paths, by kind."""
REQUEST_SECONDS = 30
CALLS_PER_SECOND, BURST = 500.0, 500.0
"""Client-side rate limit. It only bounds errors of the operator: the server's priority and fairness is the real limit."""
MAX_IN_FLIGHT = 96
"""Requests without an answer yet, watches aside. Each waits for etcd to write to its disk, which it does for many at once."""
READ_SECONDS = 90.0
"""How long a watch can be silent, though the server sends a bookmark each minute, before its connection is taken for lost."""
MAX_LINE_BYTES = 16 * 2**20
"""Longest line of a watch. An object of 1.5 MiB, the limit of etcd, has at most six times as many bytes as JSON."""
CONNECTION_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
"""Errors of a connection that cannot be made or is lost."""


class Unreadable(Unavailable):
    """The answer, or a line of a watch, is too long or is no object of JSON: everything must be listed again."""


def path_of(api_version: str, kind: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Return the URL path of an object or a collection."""
    root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    parts = [root, *(["namespaces", namespace] if namespace else []), PLURALS[kind], name, subresource]
    return "/".join(part for part in parts if part)


class Api:
    """Calls to one API server."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self.bucket = TokenBucket(CALLS_PER_SECOND, BURST)
        self.in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self.may_write: Callable[[], bool] = lambda: True
        """Whether this replica leads; asked right before a request, because a process can be stopped at any time."""

    async def call(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        content_type: str = "application/json",
        *,
        accept: str = "application/json",
        seconds: float = REQUEST_SECONDS,
        fenced: bool = True,
    ) -> Manifest:
        """Return the JSON answer to one request within `seconds`; raise an ApiError if it fails.

        A request that changes something is only sent while this replica leads, unless it is not `fenced`.
        """
        await self.bucket.take(CURRENT_KEY.get())
        resource = path.split("?")[0].removesuffix("/status").split("/")
        headers = {"Content-Type": content_type, "Accept": accept}
        async with self.in_flight:
            if fenced and method != "GET" and not self.may_write():
                raise Unavailable("this replica does not hold the Lease any more")
            response = await self.send(method, path, body, headers, aiohttp.ClientTimeout(total=seconds))
            try:
                data = await response.read()
            except CONNECTION_ERRORS as error:
                cause = error or type(error).__name__
                raise Unavailable(f"the answer of the API server was cut off: {cause}") from error
        count_call(method, resource_of(resource), response.status)
        if response.status >= 400:
            raise error_for(response.status, data, response.headers.get("Retry-After"))
        return object_in(data) if data else {}

    async def send(
        self, method: str, path: str, body: Manifest | None, headers: dict[str, str], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """Return the raw answer; raise Unavailable if there is none."""
        headers = {**headers, "User-Agent": FIELD_MANAGER}
        await self.authorize(headers, method, path, body)
        url = self.client.configuration.host + path
        try:
            answer = await self.client.call_api(method, url, headers, body, _request_timeout=timeout)
        except CONNECTION_ERRORS as error:
            raise Unavailable(f"no answer from the API server: {error or type(error).__name__}") from error
        response: aiohttp.ClientResponse = answer.response
        return response

    async def authorize(self, headers: dict[str, str], method: str, path: str, body: Manifest | None) -> None:
        """Add the credentials to the headers of a request, which are read from a file each minute.

        Unavailable if they cannot be read: the file is replaced from time to time, so the next request may succeed.
        """
        try:
            await self.client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        except Exception as error:  # whatever the file, a plugin of the kubeconfig or its answer causes
            raise Unavailable(f"the credentials cannot be read: {error or type(error).__name__}") from error
        if not all(value.isprintable() for value in headers.values()):
            raise Unavailable("the credentials contain characters that a header cannot contain, such as a line break")

    async def watch(
        self, path: str, seconds: float, accept: str = "application/json"
    ) -> AsyncGenerator[Manifest, None]:
        """Yield the events of a watch, for at most `seconds`; Unreadable if one is no object of JSON."""
        timeout = aiohttp.ClientTimeout(total=seconds, sock_read=READ_SECONDS)
        response = await self.send("GET", path, None, {"Accept": accept}, timeout)
        try:
            if response.status >= 400:
                raise error_for(response.status, await response.read(), response.headers.get("Retry-After"))
            async for line in lines_of(response.content):
                yield object_in(line)
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
        except ApiError:
            return False
        return any(resource.get("name") == plural for resource in items_at(listing, "resources"))

    async def apply(self, manifest: Manifest) -> Manifest:
        """Apply an object server-side, taking over fields that other managers have changed; return the result."""
        metadata = manifest["metadata"]
        path = path_of(manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        query = f"?fieldManager={FIELD_MANAGER}&force=true"
        return await self.call("PATCH", path + query, manifest, "application/apply-patch+yaml")

    async def create(self, manifest: Manifest) -> Manifest:
        """Create an object, and return it; raise AlreadyExists if its name is taken."""
        path = path_of(manifest["apiVersion"], manifest["kind"], manifest["metadata"].get("namespace", ""))
        return await self.call("POST", f"{path}?fieldManager={FIELD_MANAGER}", manifest)

    async def read(self, manifest: Manifest) -> Manifest:
        """Return the object that exists with the kind and name of `manifest`."""
        metadata = manifest["metadata"]
        path = path_of(manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        return await self.call("GET", path)

    async def merge(self, manifest: Manifest) -> Manifest:
        """Change the given fields of a built-in object and keep all others; return the result.

        Unlike `apply`, it gives up no field that an earlier version of the operator applied.
        """
        metadata = manifest["metadata"]
        path = path_of(manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        query = f"?fieldManager={FIELD_MANAGER}"
        return await self.call("PATCH", path + query, manifest, "application/strategic-merge-patch+json")

    async def delete(self, reference: ObjectReference) -> Manifest:
        """Delete the referenced object, and its dependents in the background; return it, or a Status if it is gone."""
        path = path_of(reference.api_version, reference.kind, reference.namespace, reference.name)
        options: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if reference.uid:
            options["preconditions"] = {"uid": reference.uid}
        grace_seconds = 0 if reference.force else reference.grace_seconds
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        return await self.call("DELETE", path, options)

    async def replace_status(self, obj: Manifest, status: Manifest) -> Manifest:
        """Replace the status of an object, and return the object; raise Conflict if it has changed since it was read.

        Nothing else is sent: the API server keeps the rest, which can be too long for a request.
        """
        metadata = obj["metadata"]
        path = path_of(obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"], "status")
        kept = ("name", "namespace", "uid", "resourceVersion")
        body: Manifest = {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
        body["metadata"] = {key: metadata[key] for key in kept if key in metadata}
        return await self.call("PUT", path, {**body, "status": status})

    async def create_event(self, obj: Manifest, event: Event, now: str) -> str:
        """Create an event about an object, and return its name; `now` is RFC 3339 without fractions of a second."""
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
        return text_at(await self.call("POST", f"/api/v1/namespaces/{namespace}/events", body), "metadata", "name")

    async def repeat_event(self, obj: Manifest, name: str, message: str, count: int, now: str) -> None:
        """Change the text and the count of an event about an object; NotFound if the API server has forgotten it."""
        namespace = obj["metadata"].get("namespace") or "default"
        body = {"message": message[:1024], "count": count, "lastTimestamp": now}
        path = f"/api/v1/namespaces/{namespace}/events/{name}"
        await self.call("PATCH", path, body, "application/merge-patch+json")


async def lines_of(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield the lines of a stream as they arrive; Unreadable if one is longer than `MAX_LINE_BYTES`."""
    buffer = bytearray()
    async for chunk in content.iter_any():
        first, *others = chunk.split(b"\n")
        buffer += first
        for part in others:
            if buffer:
                yield bytes(buffer)
            buffer = bytearray(part)
        if len(buffer) > MAX_LINE_BYTES:
            raise Unreadable(f"a line of the watch is longer than {MAX_LINE_BYTES} bytes")
    if buffer:
        yield bytes(buffer)


def object_in(data: bytes) -> Manifest:
    """Return an object of JSON; Unreadable if it is none."""
    try:
        found = from_json(data)
    except ValueError as error:
        raise Unreadable(f"the answer of the API server is no JSON: {data[:200]!r}") from error
    if not isinstance(found, dict):
        raise Unreadable(f"the answer of the API server is no object: {data[:200]!r}")
    return found


def resource_of(parts: list[str]) -> str:
    """Return the plural in a split URL path; "other" if there is none."""
    return next((part for part in reversed(parts) if part in PLURALS.values() or part == "events"), "other")
