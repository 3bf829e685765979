"""Warning events of pods that do not start: failed mounts and attachments are reported nowhere else.

Events are not watched, because a cluster has too many. They are read for one slow pod of a job at a time, less and less
often.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.container_errors import is_slow
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.errors import ApiError

FIRST_INTERVAL, MAX_INTERVAL = timedelta(seconds=30), timedelta(seconds=600)
"""Time between two requests about one pod, which doubles with each."""
MAX_EVENTS = 50
"""Events that are read of one pod."""
MAX_LENGTH = 1024
"""Characters that are kept of an event."""
MAX_PODS = 4096
"""Pods that are remembered."""


@dataclass(frozen=True, kw_only=True)
class Warned:
    """What is remembered of one pod."""

    warning: str
    asked: datetime
    interval: timedelta


class PodWarnings:
    """The newest warning events of pods that do not start, by uid."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.pods: dict[str, Warned] = {}

    def of(self, pod: PodView) -> str:
        """Return the newest warning of a pod as "reason: message"; empty if none is known."""
        warned = self.pods.get(pod.uid)
        return warned.warning if warned is not None else ""

    async def refresh(self, pods: Iterable[PodView], now: datetime) -> None:
        """Read the events of the slow pod of a job that was asked for longest ago, if that is long enough."""
        due = [pod for pod in pods if is_slow(pod, now) and self.is_due(pod, now)]
        if not due:
            return
        order = list(self.pods)  # by the time of the last request; a pod without one comes first
        pod = min(due, key=lambda pod: order.index(pod.uid) if pod.uid in self.pods else -1)
        before = self.pods.pop(pod.uid, None)
        selector = quote(f"involvedObject.uid={pod.uid},type=Warning")
        path = f"/api/v1/namespaces/{pod.namespace}/events?fieldSelector={selector}&limit={MAX_EVENTS}"
        try:
            warning = newest_warning((await self.api.call("GET", path)).get("items") or ())
        except ApiError:
            warning = before.warning if before else ""
        interval = min(before.interval * 2, MAX_INTERVAL) if before else FIRST_INTERVAL
        self.pods[pod.uid] = Warned(warning=warning, asked=now, interval=interval)
        while len(self.pods) > MAX_PODS:
            del self.pods[next(iter(self.pods))]

    def is_due(self, pod: PodView, now: datetime) -> bool:
        """Return whether the events of a pod can be read now."""
        warned = self.pods.get(pod.uid)
        return warned is None or now - warned.asked >= warned.interval


def newest_warning(events: Iterable[Manifest]) -> str:
    """Return the newest of some events as "reason: message"; empty if there is none."""
    newest = max(events, key=time_of, default=None)
    return f"{newest.get('reason') or ''}: {newest.get('message') or ''}"[:MAX_LENGTH] if newest is not None else ""


def time_of(event: Manifest) -> str:
    """Return when an event happened last, as RFC 3339, which sorts by time."""
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")
