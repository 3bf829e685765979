"""Heartbeats of one member, sent in a thread: they renew its lease, and report when its generation has ended.

The coordinator holds each heartbeat open until the generation ends or the next one is due, so a member notices a
change at once. If the process exits, its connection closes, and the coordinator notices that at once too.
"""

import threading
from types import TracebackType

from llmtrain_api.protocol import HEARTBEAT_SECONDS, Heartbeat, Member, Membership
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.errors import TrainerError

ENDED_SECONDS = 0.1
"""Time between heartbeats after the generation has ended, while its last step completes."""


class HeartbeatThread:
    """Sends heartbeats while its `with` block runs. An unavailable coordinator does not affect training."""

    def __init__(self, coordinator: CoordinatorClient, member: Member, membership: Membership) -> None:
        self._step = 0
        self._compute_seconds: float | None = None
        self._coordinator, self._member = coordinator, member
        self._generation, self._ranks = membership.generation, len(membership.members)
        self._changed, self._broken, self._closed = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def after_step(self, step: int, compute_seconds: float | None) -> None:
        """Report with the next heartbeat that `step` steps are done, and the device time of the last one in seconds."""
        self._step, self._compute_seconds = step, compute_seconds

    @property
    def changed(self) -> bool:
        """Return whether the generation has ended: complete the step and join the next one."""
        return self._changed.is_set()

    @property
    def broken(self) -> bool:
        """Return whether a member is missing: collectives with it never complete."""
        return self._broken.is_set()

    def __enter__(self) -> "HeartbeatThread":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._closed.wait(self._send())
        self._coordinator.close()

    def _send(self) -> float:
        """Send one heartbeat; return the seconds until the next one."""
        heartbeat = Heartbeat(
            member=self._member,
            generation=self._generation,
            ranks=self._ranks,
            step=self._step,
            compute_seconds=self._compute_seconds,
        )
        try:
            current = self._coordinator.heartbeat(heartbeat)
        except TrainerError:
            self._coordinator.close()
            return HEARTBEAT_SECONDS
        if current.generation == self._generation:
            return 0.0
        self._changed.set()
        if current.broken:
            self._broken.set()
        return ENDED_SECONDS
