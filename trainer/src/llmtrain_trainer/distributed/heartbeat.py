"""Heartbeats of one member, in a thread of their own: they tell that it lives, and hear if its generation is over.

Each is held open by the coordinator until there is news, so a change is known at once; and if this process dies, its
connection closes, and the coordinator knows that at once.
"""

import threading
from types import TracebackType

from llmtrain_api.protocol import HEARTBEAT_SECONDS, Heartbeat, Member, Membership
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.errors import TrainerError

SECONDS_TO_THE_END = 0.1
"""Time between heartbeats when the generation is over and its last step is being done."""


class HeartbeatThread:
    """Beats while its `with` block runs. A coordinator that doesn't answer changes nothing: training goes on."""

    def __init__(self, coordinator: CoordinatorClient, member: Member, membership: Membership) -> None:
        self.step = 0
        """Steps done, as the next beat tells it."""
        self.work_seconds: float | None = None
        """What the microbatches of the last one took."""
        self._coordinator, self._member = coordinator, member
        self._generation, self._ranks = membership.generation, len(membership.members)
        self._changed, self._broken, self._over = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    @property
    def changed(self) -> bool:
        """Return whether another generation will be: finish the step and join it."""
        return self._changed.is_set()

    @property
    def broken(self) -> bool:
        """Return whether a member is missing: what waits for it waits for ever."""
        return self._broken.is_set()

    def __enter__(self) -> "HeartbeatThread":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _beat(self) -> None:
        while not self._over.is_set():
            self._over.wait(self._hear())
        self._coordinator.close()

    def _hear(self) -> float:
        """Send one heartbeat; return the seconds until the next one."""
        heartbeat = Heartbeat(
            member=self._member,
            generation=self._generation,
            ranks=self._ranks,
            step=self.step,
            compute_seconds=self.work_seconds,
        )
        try:
            answer = self._coordinator.heartbeat(heartbeat)
        except TrainerError:
            self._coordinator.close()
            return HEARTBEAT_SECONDS
        if answer.generation == self._generation:
            return 0.0
        self._changed.set()
        if answer.broken:
            self._broken.set()
        return SECONDS_TO_THE_END
