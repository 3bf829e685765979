"""Records events about objects. Repeated and similar events are one Event with a count, as client-go records them.

Within `INTERVAL_SECONDS`, an event with the same text as an earlier one about the same object increases its count. After
`MAX_TEXTS` different texts for one reason, all further ones share one Event, which has the newest text.

Source: client-go's EventCorrelator (tools/record/events_cache.go).
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from llmtrain_api.events import OperatorEvent
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import Event
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.errors import ApiError, NotFound

INTERVAL_SECONDS = 600.0
"""How long after the first event of a series similar ones are added to it."""
MAX_TEXTS = 10
"""Events with different texts that are created for one reason in one series."""
MAX_SERIES = 4096
"""Series that are remembered; the oldest are forgotten, and then begin again."""
COMBINED = "(combined from similar events): "

log = logging.getLogger(__name__)


@dataclass
class Recorded:
    """An Event in the API server."""

    name: str
    count: int = 1


@dataclass
class Series:
    """The Events about one object with one type and reason."""

    began: float
    by_text: dict[str, Recorded] = field(default_factory=dict)
    """The key of the one that all further texts share is `COMBINED`."""

    def key(self, text: str) -> str:
        """Return the key of the Event that a text belongs to."""
        return text if text in self.by_text or len(self.by_text) < MAX_TEXTS else COMBINED


class EventRecorder:
    """Creates Events, or increases their counts."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic) -> None:
        self.api, self.clock = api, clock
        self.series: OrderedDict[tuple[str, str, str], Series] = OrderedDict()

    async def record(self, obj: Manifest, event: Event) -> None:
        """Record an event about an object; an error is logged and otherwise ignored."""
        series = self.series_of(obj, event)
        key = series.key(event.message)
        text = f"{COMBINED}{event.message}" if key == COMBINED else event.message
        now = format_rfc3339(datetime.now(UTC)).split(".")[0] + "Z"
        try:
            if (earlier := series.by_text.get(key)) is not None:
                earlier.count += 1
                try:
                    return await self.api.repeat_event(obj, earlier.name, text, earlier.count, now)
                except NotFound:
                    pass  # it has expired
            shown = Event(type=event.type, reason=event.reason, message=text)
            if name := await self.api.create_event(obj, shown, now):
                series.by_text[key] = Recorded(name)
        except ApiError as error:
            fields = {"reason": event.reason, "message": error.message}
            log.warning(OperatorEvent.EVENT_FAILED, extra={"fields": fields})

    def series_of(self, obj: Manifest, event: Event) -> Series:
        """Return the series that an event belongs to: a new one if there is none, or it is too old."""
        identity, now = (obj["metadata"].get("uid", ""), event.type, event.reason), self.clock()
        series = self.series.get(identity)
        if series is None or now - series.began > INTERVAL_SECONDS:
            self.series[identity] = series = Series(now)
            self.series.move_to_end(identity)
        while len(self.series) > MAX_SERIES:
            self.series.popitem(last=False)
        return series
