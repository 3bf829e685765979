"""One resource, listed and watched: a copy that is a moment behind the API server's."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from llmtrain_operator.shell.api import Api, path_of
from llmtrain_operator.shell.errors import ApiError

Manifest = dict[str, Any]
Change = Callable[[str, Manifest], None]
"""Called with "put" or "drop" and the object."""

PAGE_SIZE = 500
WATCH_SECONDS = 240.0
RETRY_SECONDS = 1.0
log = logging.getLogger(__name__)


class Informer:
    """Lists and watches one resource for ever and tells `change` of everything that differs."""

    def __init__(
        self,
        api: Api,
        api_version: str,
        kind: str,
        handler: Change,
        *,
        selector: str = "",
        trim: Callable[[Manifest], Manifest] = lambda thing: thing,
    ) -> None:
        self.api, self.api_version, self.kind = api, api_version, kind
        self.handler, self.selector, self.trim = handler, selector, trim
        self.known: dict[str, Manifest] = {}
        self.synced = asyncio.Event()

    async def run(self) -> None:
        """List, watch, and list again when the watch can't go on."""
        while True:
            try:
                version = await self.list()
                self.synced.set()
                while True:
                    version = await self.watch(version)
            except ApiError as error:
                if error.code != 410:
                    log.warning("watching %s: %s", self.kind, error.message)
                await asyncio.sleep(error.retry_after_seconds or RETRY_SECONDS)

    async def list(self) -> str:
        """Read everything page by page; return the version it was read at."""
        seen: dict[str, Manifest] = {}
        token = ""
        while True:
            page = await self.api.call("GET", self.path(f"limit={PAGE_SIZE}" + (f"&continue={token}" if token else "")))
            for thing in page.get("items") or ():
                seen[thing["metadata"]["uid"]] = self.normalize(thing)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        for uid in self.known.keys() - seen.keys():
            self.handler("drop", self.known[uid])
        self.known = seen
        for thing in seen.values():
            self.handler("put", thing)
        return str(page["metadata"]["resourceVersion"])

    async def watch(self, version: str) -> str:
        """Follow changes since `version`; return the newest version seen when the server ends the watch."""
        query = f"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS:.0f}"
        async for line in self.api.watch(self.path(query), WATCH_SECONDS + 30):
            thing = line["object"]
            if line["type"] == "ERROR":
                raise ApiError(thing.get("message", "the watch was ended"), int(thing.get("code", 0)))
            version = thing["metadata"]["resourceVersion"]
            if line["type"] != "BOOKMARK":
                self.on_event(line["type"], self.normalize(thing))
        return version

    def on_event(self, type: str, thing: Manifest) -> None:
        """Keep one change, and tell of it."""
        if type == "DELETED":
            self.known.pop(thing["metadata"]["uid"], None)
            self.handler("drop", thing)
        else:
            self.known[thing["metadata"]["uid"]] = thing
            self.handler("put", thing)

    def normalize(self, thing: Manifest) -> Manifest:
        """Return `thing` trimmed, with the type that lists leave out."""
        thing["metadata"].pop("managedFields", None)
        return {"apiVersion": self.api_version, "kind": self.kind, **self.trim(thing)}

    def path(self, query: str) -> str:
        """Return the URL path with a query."""
        selector = f"labelSelector={self.selector}&" if self.selector else ""
        return f"{path_of(self.api_version, self.kind)}?{selector}{query}"
