"""One resource, listed and watched: a local copy that lags slightly behind the API server.

No object can stop it: what the handler cannot take is logged and counted once for each version, and the last version that
it took stays. What cannot be read at all makes it list again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import NamedTuple
from urllib.parse import quote

from llmtrain_api.events import OperatorEvent
from llmtrain_operator.core.manifest import Manifest, fields_at, text_at, value_at
from llmtrain_operator.shell import metrics
from llmtrain_operator.shell.api import Api, Unreadable, path_of
from llmtrain_operator.shell.errors import ApiError, Unavailable
from llmtrain_operator.shell.object_index import is_number
from llmtrain_operator.shell.store import Change

Handler = Callable[[Change, Manifest], None]
"""Called for every change with the object; for a deletion it can have no more than its identity."""

PAGE_SIZE = 200
"""Objects per page of a list."""
WATCH_SECONDS = 240.0
"""How long the server keeps a watch open."""
RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 30.0
"""How long to wait after a failed list or watch, which doubles with each further failure, and its limit."""
MAX_START_RETRY_SECONDS = 4.0
"""The same limit before the first list: after an installation, the API server does not serve all resources at once."""
MIN_WATCH_SECONDS = 1.0
"""A watch without an event that the server ends sooner counts as failed."""
MAX_WATCH_FAILURES = 3
"""Watches that fail one after the other before everything is listed again."""
MAX_REPORTED = 1000
"""Unreadable objects whose reports are remembered."""
GONE = 410
"""HTTP status of a watch whose version is too old; listing again is the normal answer."""
log = logging.getLogger(__name__)


class Identity(NamedTuple):
    """What is kept of an object: enough to report its deletion."""

    namespace: str
    name: str
    version: str

    @classmethod
    def of(cls, obj: Manifest) -> "Identity":
        """Return the identity of an object; ValueError if it lacks a part that the API server always sets."""
        found = cls(*(text_at(obj, "metadata", field) for field in ("namespace", "name", "resourceVersion")))
        if not (found.name and found.version and text_at(obj, "metadata", "uid")):
            raise ValueError("metadata.name, metadata.uid or metadata.resourceVersion is missing")
        return found


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
        from_cache: bool = False,
        metadata_only: bool = False,
        trim: Callable[[Manifest], Manifest | None] = lambda obj: obj,
    ) -> None:
        """`trim` reduces an object, to None if it is of no interest; `from_cache` is for resources of few objects only.

        With `metadata_only` the API server sends nothing but the metadata of the objects.
        A list from the API server's cache does not burden etcd, but its answer is not divided into pages.
        """
        self.api, self.api_version, self.kind = api, api_version, kind
        self.handler, self.selector, self.trim = handler, selector, trim
        self.from_cache, self.metadata_only = from_cache, metadata_only
        self.known: dict[str, Identity] = {}
        """Objects that the handler knows, by uid."""
        self.reported: dict[str, str] = {}
        """Versions of unreadable objects that were reported, by uid."""
        self.unreadable_objects = metrics.unreadable_objects(kind)
        self.version = ""
        self.heard_at = time.monotonic()
        """When the API server last sent something."""
        self.synced = asyncio.Event()

    async def run(self) -> None:
        """List, then watch; list again when the watch cannot continue."""
        failures = 0
        while True:
            started, before = time.monotonic(), self.version
            try:
                if not self.version:
                    self.version = before = await self.list()
                    self.synced.set()
                await self.watch(self.version)
                if self.version == before and time.monotonic() - started < MIN_WATCH_SECONDS:
                    raise Unavailable("the server ended the watch at once")
                failures = 0
            except ApiError as error:
                lasted = time.monotonic() - started > MAX_RETRY_SECONDS
                failures = 1 if lasted else failures + 1
                await self.recover(error, failures)

    async def recover(self, error: ApiError, failures: int) -> None:
        """Wait after a failure; decide whether the watch can continue at its version, or everything is listed again."""
        if error.code != GONE:
            fields = {"kind": self.kind, "message": error.message}
            log.warning(OperatorEvent.WATCH_FAILED, extra={"fields": fields})
        is_lost = isinstance(error, Unavailable) and not isinstance(error, Unreadable) and error.code != GONE
        if not is_lost or failures >= MAX_WATCH_FAILURES:
            self.version = ""
        limit = MAX_RETRY_SECONDS if self.synced.is_set() else MAX_START_RETRY_SECONDS
        delay = min(RETRY_SECONDS * 2 ** min(failures - 1, 10), limit)
        await asyncio.sleep(max(delay * random.uniform(0.5, 1.0), error.retry_after_seconds))

    async def list(self) -> str:
        """Read all objects page by page; return the resource version of the list."""
        unlisted = set(self.known)
        token, cache = "", "&resourceVersion=0" if self.from_cache and not self.known else ""
        while True:
            query = f"limit={PAGE_SIZE}" + (f"&continue={quote(token, safe='')}" if token else cache)
            page = await self.api.call("GET", self.path(query), accept=self.accept("PartialObjectMetadataList"))
            self.heard_at = time.monotonic()
            items, version = value_at(page, "items"), text_at(page, "metadata", "resourceVersion")
            token = text_at(page, "metadata", "continue")
            if not (version or token) or not isinstance(items, list | None):
                raise Unreadable("the list has no resource version, or its items are no list")
            for obj in items or ():
                unlisted.discard(text_at(obj, "metadata", "uid"))
                self.upsert(obj)
            if not token:
                break
        for uid in unlisted & self.known.keys():
            if not is_later(self.known[uid].version, version):  # else the list is older than the object
                self.delete(uid, version)
        return version

    async def watch(self, version: str) -> str:
        """Follow the changes since `version`; return the newest version seen when the server ends the watch."""
        query = f"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS:.0f}"
        self.version = version
        accept = self.accept("PartialObjectMetadata")
        async with aclosing(self.api.watch(self.path(query), WATCH_SECONDS + 30, accept)) as events:
            async for event in events:
                self.heard_at = time.monotonic()
                type, obj = text_at(event, "type"), value_at(event, "object")
                if not type or not isinstance(obj, dict):
                    raise Unreadable("an event of the watch has no type or no object")
                if type == "ERROR":
                    raise error_of(obj)
                if type != "BOOKMARK":
                    self.on_event(type, obj)
                self.version = text_at(obj, "metadata", "resourceVersion") or self.version
        return self.version

    def on_event(self, type: str, obj: Manifest) -> None:
        """Pass one change on to the handler."""
        if type == "DELETED":
            self.delete(text_at(obj, "metadata", "uid"), text_at(obj, "metadata", "resourceVersion"))
        else:
            self.upsert(obj)

    def upsert(self, obj: Manifest) -> None:
        """Pass an object on to the handler; one that is no longer of interest as deleted."""
        try:
            identity, uid = Identity.of(obj), text_at(obj, "metadata", "uid")
            kept = self.trim(self.normalize(obj))
            if kept is None:
                self.delete(uid, identity.version)
                return
            before = self.known.get(uid, identity)
            self.known[uid] = before if is_later(before.version, identity.version) else identity
            self.handler("upsert", kept)
            self.reported.pop(uid, None)
        except Exception as error:
            self.count_unreadable(obj, error)

    def delete(self, uid: str, version: str) -> None:
        """Report the deletion of an object that the handler knows, at `version`."""
        if (identity := self.known.pop(uid, None)) is None:
            return
        self.reported.pop(uid, None)
        metadata = {**identity._asdict(), "uid": uid, "resourceVersion": version or identity.version}
        del metadata["version"]
        obj = {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}
        try:
            self.handler("delete", obj)
        except Exception as error:
            self.count_unreadable(obj, error)

    def count_unreadable(self, obj: object, error: Exception) -> None:
        """Log and count an object that could not be handled, once for each version."""
        uid, version = text_at(obj, "metadata", "uid"), text_at(obj, "metadata", "resourceVersion")
        if self.reported.get(uid) == version:
            return
        while len(self.reported) >= MAX_REPORTED:
            del self.reported[next(iter(self.reported))]
        self.reported[uid] = version
        self.unreadable_objects.inc()
        fields = {name: text_at(obj, "metadata", name) for name in ("namespace", "name")}
        message = f"{type(error).__name__}: {error}"[:500]
        log.error(OperatorEvent.OBJECT_UNREADABLE, extra={"fields": {"kind": self.kind, **fields, "message": message}})

    def normalize(self, obj: Manifest) -> Manifest:
        """Return the object without managed fields, with the kind and version that lists leave out."""
        metadata = {key: value for key, value in fields_at(obj, "metadata").items() if key != "managedFields"}
        return {**obj, "apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}

    def accept(self, partial: str) -> str:
        """Return the media type to ask for; `partial` is the kind of metadata alone."""
        return f"application/json;as={partial};g=meta.k8s.io;v=v1" if self.metadata_only else "application/json"

    def path(self, query: str) -> str:
        """Return the URL path with a query."""
        selector = f"labelSelector={self.selector}&" if self.selector else ""
        return f"{path_of(self.api_version, self.kind)}?{selector}{query}"


def is_later(version: str, other: str) -> bool:
    """Return whether a resource version is known to be later than another."""
    return is_number(version) and is_number(other) and int(version) > int(other)


def error_of(status: Manifest) -> ApiError:
    """Return the error that ends a watch; everything must be listed again."""
    code = value_at(status, "code")
    message = text_at(status, "message") or "the server ended the watch"
    return ApiError(message, code if isinstance(code, int) else 0)
