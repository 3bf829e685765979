"""A bare client of the API server: as many requests at once as it has connections, and nothing else."""

import asyncio
import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

Manifest = dict[str, Any]

CONNECTIONS = 32
"""Requests at once, as many as the operator reconciles jobs."""
RETRIES = 10
MERGE = "application/merge-patch+json"
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
"""Accept header of a watch that needs the metadata of objects only."""


class BulkClient:
    """Sends requests with the rights of a kubeconfig."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def call(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        *,
        content_type: str = "application/json",
        accepted: tuple[int, ...] = (),
    ) -> Manifest:
        """Return the answer; AssertionError for a status from 400 that is not among `accepted`. A busy server is asked again."""
        data = None if body is None else json.dumps(body, separators=(",", ":"))
        headers = {"Content-Type": content_type}
        for attempt in range(RETRIES):
            async with self.session.request(method, path, data=data, headers=headers) as response:
                text = await response.read()
            if response.status < 400 or response.status in accepted:
                found: Manifest = json.loads(text) if text[:1] == b"{" else {}
                return found
            if response.status not in (429, 500, 504):
                break
            await asyncio.sleep(min(float(response.headers.get("Retry-After", 1)), 2.0 ** (attempt - 2)))
        raise AssertionError(f"{method} {path}: {response.status} {text[:600]!r}")

    async def each(self, act: Callable[[Any], Any], items: Iterable[Any]) -> None:
        """Await `act` for every item, over all connections."""
        left = iter(items)

        async def work() -> None:
            for item in left:
                await act(item)

        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))

    async def create(self, path: str, manifests: Iterable[Manifest]) -> None:
        """Create objects of one collection; those that exist stay."""
        await self.each(lambda manifest: self.call("POST", path, manifest, accepted=(409,)), manifests)

    async def delete_all(self, path: str, query: str = "") -> None:
        """Delete the objects of one collection one by one, which the server does faster than the collection."""
        # Not from the cache, which may not have all of them yet.
        items = (await self.call("GET", f"{path}?{query}")).get("items") or []
        names = [item["metadata"]["name"] for item in items]
        options: Manifest = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        await self.each(lambda name: self.call("DELETE", f"{path}/{name}", options, accepted=(404,)), names)

    async def items(self, path: str) -> list[Manifest]:
        """Return the objects of one collection, from the server's cache."""
        query = "&" if "?" in path else "?"
        found: list[Manifest] = (await self.call("GET", f"{path}{query}resourceVersion=0")).get("items") or []
        return found

    async def count(self, path: str) -> int:
        """Return how many objects a collection has."""
        page = await self.call("GET", f"{path}?limit=1")
        return len(page.get("items") or []) + int(page["metadata"].get("remainingItemCount", 0))

    async def until_count(self, path: str, number: int, seconds: float) -> None:
        """Wait until a collection has exactly so many objects; AssertionError after `seconds`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (found := await self.count(path)) != number:
            assert loop.time() < deadline, f"{path} has {found} objects instead of {number} after {seconds:.0f} s"
            await asyncio.sleep(0.2)

    async def watch_metadata(self, path: str) -> AsyncIterator[Manifest]:
        """Yield the events of a watch from now on, with the metadata of the objects; the first one is a bookmark."""
        query = "watch=1&resourceVersion=" + (await self.call("GET", f"{path}?limit=1"))["metadata"]["resourceVersion"]
        async with self.session.get(f"{path}?{query}", headers={"Accept": METADATA}) as response:
            yield {"type": "BOOKMARK", "object": {}}
            async for line in response.content:
                yield json.loads(line)


@asynccontextmanager
async def bulk_client(kubeconfig: Path) -> AsyncIterator[BulkClient]:
    """Connect with the client certificate of a kubeconfig."""
    document = yaml.safe_load(kubeconfig.read_text())
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as file:
        for field in ("client-certificate-data", "client-key-data"):
            file.write(base64.b64decode(user[field]) + b"\n")
        file.flush()
        context.load_cert_chain(file.name)
    connector = aiohttp.TCPConnector(limit=0, ssl=context)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    async with aiohttp.ClientSession(
        cluster["server"], connector=connector, timeout=timeout, read_bufsize=2**22
    ) as session:
        yield BulkClient(session)
