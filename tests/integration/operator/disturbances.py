"""What happens to operators and to their calls: death, errors, lost answers, watches that fail."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from support.api_proxy import CUT, Call, Delivery, Interference, status_answer

LONG = 6 * 2**20
"""Characters of an annotation in a line that is longer than what most clients expect."""


class KillAt(Interference):
    """Kills the operator before or after one write."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number, self.is_after = number, after
        self.has_killed = False

    async def before(self, call: Call) -> web.Response | None:
        """Kill the operator in place of the write."""
        if call.number == self.number and not self.is_after:
            return self.kill()
        return None

    async def after(self, call: Call, answer: web.Response) -> web.Response:
        """Kill the operator in place of the answer to the write."""
        return self.kill() if call.number == self.number and self.is_after else answer

    def kill(self) -> web.Response:
        """Kill the operator."""
        assert self.operator is not None
        self.operator.kill()
        self.has_killed = True
        return CUT


WriteFault = Callable[[web.Response | None], Awaitable[web.Response | None]]
"""Called before a write with None, and with the answer after it; returns what the operator gets, None to pass it on."""


async def conflict(answer: web.Response | None) -> web.Response | None:
    """Answer that the object has changed, or that a quota has."""
    return status_answer(
        409, "Conflict", "Operation cannot be fulfilled: please apply your changes to the latest version"
    )


async def throttled(answer: web.Response | None) -> web.Response | None:
    """Answer that there are too many requests."""
    return status_answer(429, "TooManyRequests", "too many requests, please try again later", **{"Retry-After": "1"})


async def failing(answer: web.Response | None) -> web.Response | None:
    """Answer that the server has an error."""
    return status_answer(500, "InternalError", "etcdserver: leader changed")


async def lost(answer: web.Response | None) -> web.Response | None:
    """Carry the write out, and close the connection instead of answering."""
    return None if answer is None else CUT


async def unanswered(answer: web.Response | None) -> web.Response | None:
    """Carry the write out, and never answer."""
    if answer is not None:
        await asyncio.Event().wait()
    return None


WRITE_FAULTS: dict[str, WriteFault] = {"409": conflict, "429": throttled, "500": failing, "lost": lost}


class FaultyWrites(Interference):
    """Disturbs one write of each scope."""

    def __init__(self) -> None:
        self.faults: dict[str, tuple[int, WriteFault]] = {}
        """The number of the write and what happens to it, by scope."""
        self.disturbed: set[str] = set()

    def fault_of(self, call: Call) -> WriteFault | None:
        """Return what happens to a call."""
        number, fault = self.faults.get(call.scope, (0, None))
        return fault if call.number == number else None

    async def before(self, call: Call) -> web.Response | None:
        """Answer in place of the API server, if the fault does."""
        if not call.number or (fault := self.fault_of(call)) is None:
            return None
        self.disturbed.add(call.scope)
        return await fault(None)

    async def after(self, call: Call, answer: web.Response) -> web.Response:
        """Answer differently than the API server, if the fault does."""
        if not call.number or (fault := self.fault_of(call)) is None:
            return answer
        return await fault(answer) or answer


class FaultyWatch(Interference):
    """Disturbs the watch of one resource: subclasses decide on the first events of that resource."""

    def __init__(self, plural: str) -> None:
        self.plural = plural
        self.events = 0

    async def event(self, call: Call, line: bytes) -> Delivery:
        """Disturb an event of the resource; bookmarks and other resources pass."""
        if call.plural != self.plural or b'"type":"BOOKMARK"' in line[:40]:
            return Delivery(lines=(line,))
        self.events += 1
        return self.disturbed(call, line)

    def disturbed(self, call: Call, line: bytes) -> Delivery:
        """Return what the operator gets for an event of the resource."""
        raise NotImplementedError


class Dropped(FaultyWatch):
    """The connection is lost before the first event arrives, and again after it has."""

    def disturbed(self, call: Call, line: bytes) -> Delivery:
        """Drop the first two deliveries."""
        return Delivery(lines=() if self.events == 1 else (line,), cut=self.events <= 2)


class Silent(FaultyWatch):
    """The first watch stays open and delivers nothing."""

    def __init__(self, plural: str) -> None:
        super().__init__(plural)
        self.silenced: Call | None = None

    def disturbed(self, call: Call, line: bytes) -> Delivery:
        """Deliver nothing of the first watch."""
        self.silenced = self.silenced or call
        return Delivery(lines=() if call is self.silenced else (line,))

    async def event(self, call: Call, line: bytes) -> Delivery:
        """Deliver no bookmarks of the first watch either."""
        return Delivery(lines=()) if call is self.silenced else await super().event(call, line)


class Gone(FaultyWatch):
    """The version of the watch is too old, during it and when it is opened again."""

    def __init__(self, plural: str) -> None:
        super().__init__(plural)
        self.refusals = 0

    def disturbed(self, call: Call, line: bytes) -> Delivery:
        """Send an error in place of the first event."""
        if self.events > 1:
            return Delivery(lines=(line,))
        self.refusals = 1
        gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
        return Delivery(lines=(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n",))

    async def before(self, call: Call) -> web.Response | None:
        """Refuse one watch."""
        if call.plural == self.plural and call.is_watch and self.refusals:
            self.refusals -= 1
            return status_answer(410, "Expired", "too old resource version")
        return None


class StaleList(Gone):
    """The version of the watch is too old, and the list that follows is the one from the start."""

    def __init__(self, plural: str) -> None:
        super().__init__(plural)
        self.first: Any = None

    async def after(self, call: Call, answer: web.Response) -> web.Response:
        """Answer with the first list once more after the error."""
        if call.plural != self.plural or not call.is_list or answer.status != 200:
            return answer
        if self.first is None:
            self.first = answer.body
        elif self.refusals:
            self.refusals = 0
            return web.Response(body=self.first, content_type="application/json")
        return answer

    async def before(self, call: Call) -> web.Response | None:
        """Refuse no watch."""
        return None


class LongLine(FaultyWatch):
    """The first event has megabytes of annotations."""

    def disturbed(self, call: Call, line: bytes) -> Delivery:
        """Lengthen the first event."""
        if self.events > 1:
            return Delivery(lines=(line,))
        event = json.loads(line)
        event["object"]["metadata"].setdefault("annotations", {})["long"] = "x" * LONG
        return Delivery(lines=(json.dumps(event).encode() + b"\n",))


WATCH_FAULTS: dict[str, type[FaultyWatch]] = {
    "silent": Silent,
    "dropped": Dropped,
    "gone": Gone,
    "stale": StaleList,
    "long": LongLine,
}
