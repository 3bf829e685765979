"""What the reconciler remembers of a job between two reconciliations. A restart may forget it: it only saves calls."""

import time
from collections.abc import Callable
from datetime import timedelta

from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.shell.refusals import Refusals


class JobMemory:
    """The memory of the job with one uid."""

    def __init__(self, uid: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.uid, self.clock = uid, clock
        self.refusals = Refusals(clock)
        self.undone_repairs: dict[ObjectKey, Manifest] = {}
        """Objects that differed again right after they were repaired, by what was applied."""
        self.status_written_at: float | None = None

    @property
    def status_age(self) -> timedelta | None:
        """Return the time since the status was written; None if it was not yet."""
        if self.status_written_at is None:
            return None
        return timedelta(seconds=self.clock() - self.status_written_at)

    def status_written(self) -> None:
        """Remember that the status was written now."""
        self.status_written_at = self.clock()
