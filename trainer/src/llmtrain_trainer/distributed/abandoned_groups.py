"""Process groups that lost a peer. Destroying one blocks until its incomplete collective has timed out.

The owner of an `AbandonedGroups` is the process: its entry point creates it and ends with os._exit, which runs no
destructors.
"""

from typing import Any


class AbandonedGroups:
    """Process groups with their incomplete collectives, which are released once the collectives have completed."""

    def __init__(self) -> None:
        self._groups: list[tuple[Any, Any]] = []

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, group: Any, work: Any) -> None:
        """Keep `group` until its collective `work` has completed; None means that it could not be started."""
        self._groups.append((group, work))

    def release_completed(self) -> None:
        """Release the groups whose collectives have completed."""
        self._groups = [(group, work) for group, work in self._groups if work is not None and not work.is_completed()]
