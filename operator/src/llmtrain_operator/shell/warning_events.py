"""Warning events of pods that do not start and of claims that are not bound: their causes are reported nowhere else.

Events are not watched, because a cluster has too many. They are read for one slow object of a job at a time, less and
less often, and the less often the more objects are slow.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from llmtrain_api.printable import printable
from llmtrain_operator.core.manifest import Manifest, items_at, text_at
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.errors import ApiError

FIRST_INTERVAL, MAX_INTERVAL = timedelta(seconds=30), timedelta(seconds=600)
"""Time between two requests about one object, which doubles with each, and its limit while few objects are slow."""
INTERVAL_PER_OBJECT = timedelta(seconds=4)
"""Least time between two requests about all slow objects together, in the long run."""
KEPT = timedelta(seconds=300)
"""How long an object is remembered that is no longer slow."""
MAX_EVENTS = 50
"""Events that are read of one object."""
MAX_LENGTH = 1024
"""Characters that are kept of an event."""


class SlowObject(NamedTuple):
    """A pod that does not start, or a claim that is not bound."""

    namespace: str
    uid: str


@dataclass(frozen=True, kw_only=True)
class Warned:
    """What is remembered of one object."""

    warning: str = ""
    asked: datetime | None = None
    interval: timedelta = FIRST_INTERVAL
    slow_at: datetime


class WarningEvents:
    """The newest warning events of slow objects, by uid."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.objects: dict[str, Warned] = {}
        """In the order in which they were slow last."""

    def of(self, uid: str) -> str:
        """Return the newest warning about an object as "reason: message"; empty if none is known."""
        warned = self.objects.get(uid)
        return warned.warning if warned is not None else ""

    async def refresh(self, slow: Iterable[SlowObject], now: datetime) -> None:
        """Read the events of that slow object of a job that was asked for longest ago, if that is long enough."""
        slow = tuple(slow)
        for found in slow:
            before = self.objects.pop(found.uid, Warned(slow_at=now))
            self.objects[found.uid] = replace(before, slow_at=now)
        self.discard_old(now)
        due = [found for found in slow if self.is_due(self.objects[found.uid], now)]
        never = [found for found in due if self.objects[found.uid].asked is None]
        if due:
            oldest = min(due, key=lambda found: self.objects[found.uid].asked or now)
            await self.read_events(next(iter(never), oldest), now)

    async def read_events(self, found: SlowObject, now: datetime) -> None:
        """Read the events of one object; without an answer the last warning stays."""
        before = self.objects[found.uid]
        longest = max(MAX_INTERVAL, INTERVAL_PER_OBJECT * len(self.objects))
        interval = min(before.interval * 2, longest) if before.asked else FIRST_INTERVAL
        self.objects[found.uid] = replace(before, asked=now, interval=interval)
        selector = quote(f"involvedObject.uid={found.uid},type=Warning")
        path = f"/api/v1/namespaces/{found.namespace}/events?fieldSelector={selector}&limit={MAX_EVENTS}"
        try:
            warning = newest_warning(items_at(await self.api.call("GET", path), "items"))
        except ApiError:
            return
        if found.uid in self.objects:
            self.objects[found.uid] = replace(self.objects[found.uid], warning=warning)

    def discard_old(self, now: datetime) -> None:
        """Forget objects that have not been slow for some time."""
        while self.objects and now - next(iter(self.objects.values())).slow_at > KEPT:
            del self.objects[next(iter(self.objects))]

    def is_due(self, warned: Warned, now: datetime) -> bool:
        """Return whether the events of an object can be read now."""
        return warned.asked is None or now - warned.asked >= warned.interval


def newest_warning(events: Iterable[Manifest]) -> str:
    """Return the newest of some events as "reason: message"; empty if there is none."""
    newest = max(events, key=time_of, default=None)
    if newest is None:
        return ""
    return printable(f"{text_at(newest, 'reason')}: {text_at(newest, 'message')}", MAX_LENGTH)


def time_of(event: Manifest) -> str:
    """Return when an event happened last, as RFC 3339, which sorts by time."""
    return (
        text_at(event, "series", "lastObservedTime") or text_at(event, "lastTimestamp") or text_at(event, "eventTime")
    )
