"""One resource, listed and watched: a local copy that lags slightly behind the API server."""

import asyncio
import logging
from collections.abc import Callable

from llmtrain_api.events import OperatorEvent
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.api import Api, path_of
from llmtrain_operator.shell.errors import ApiError
from llmtrain_operator.shell.store import Change

Handler = Callable[[Change, Manifest], None]
"""Called for every change with the object."""

PAGE_SIZE = 500
"""Objects per page of a list."""
WATCH_SECONDS = 240.0
"""How long the server keeps a watch open."""
RETRY_SECONDS = 1.0
"""How long to wait after a failed list or watch."""
GONE = 410
"""HTTP status of a watch whose version is too old; listing again is the normal answer."""
log = logging.getLogger(__name__)


class Informer:
    """Lists and watches one resource forever, and calls `handler` for every change."""

    def __init__(
        self,
        api: Api,
        api_version: str,
        kind: str,
        handler: Handler,
        *,
        selector: str = "",
        trim: Callable[[Manifest], Manifest] = lambda obj: obj,
    ) -> None:
        self.api, self.api_version, self.kind = api, api_version, kind
        self.handler, self.selector, self.trim = handler, selector, trim
        self.known: dict[str, Manifest] = {}
        self.synced = asyncio.Event()

    async def run(self) -> None:
        """List, then watch; list again when the watch cannot continue."""
        while True:
            try:
                version = await self.list()
                self.synced.set()
                while True:
                    version = await self.watch(version)
            except ApiError as error:
                if error.code != GONE:
                    fields = {"kind": self.kind, "message": error.message}
                    log.warning(OperatorEvent.WATCH_FAILED, extra={"fields": fields})
                await asyncio.sleep(error.retry_after_seconds or RETRY_SECONDS)

    async def list(self) -> str:
        """Read all objects page by page; return the resource version of the list."""
        listed: dict[str, Manifest] = {}
        token = ""
        while True:
            page = await self.api.call("GET", self.path(f"limit={PAGE_SIZE}" + (f"&continue={token}" if token else "")))
            for obj in page.get("items") or ():
                listed[obj["metadata"]["uid"]] = self.normalize(obj)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        for uid in self.known.keys() - listed.keys():
            self.handler("delete", self.known[uid])
        self.known = listed
        for obj in listed.values():
            self.handler("upsert", obj)
        return str(page["metadata"]["resourceVersion"])

    async def watch(self, version: str) -> str:
        """Follow the changes since `version`; return the newest version seen when the server ends the watch."""
        query = f"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS:.0f}"
        async for event in self.api.watch(self.path(query), WATCH_SECONDS + 30):
            obj = event["object"]
            if event["type"] == "ERROR":
                raise ApiError(obj.get("message", "the server ended the watch"), int(obj.get("code", 0)))
            version = obj["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                self.on_event(event["type"], self.normalize(obj))
        return version

    def on_event(self, type: str, obj: Manifest) -> None:
        """Record one change, and call the handler."""
        uid = obj["metadata"]["uid"]
        if type == "DELETED":
            self.known.pop(uid, None)
            self.handler("delete", obj)
        else:
            self.known[uid] = obj
            self.handler("upsert", obj)

    def normalize(self, obj: Manifest) -> Manifest:
        """Return the object trimmed, with the kind and version that lists leave out."""
        metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
        return {"apiVersion": self.api_version, "kind": self.kind, **self.trim({**obj, "metadata": metadata})}

    def path(self, query: str) -> str:
        """Return the URL path with a query."""
        selector = f"labelSelector={self.selector}&" if self.selector else ""
        return f"{path_of(self.api_version, self.kind)}?{selector}{query}"
