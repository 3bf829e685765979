"""Named points of the source at which tests inject faults.

A call such as `fault_point("snapshot")` marks a point. It does nothing until a test arms the point in its process with
`arm`, as tests/chaos/hooks/sitecustomize.py does.
"""

from collections.abc import Callable
from typing import Literal, get_args

FaultPoint = Literal[
    "connect",  # before the ranks of a generation connect to each other
    "train_step",  # before a step; the only point that passes the number of steps done
    "forward",  # before the loss of a microbatch is computed
    "backward",  # before the gradients of a microbatch are computed
    "all_to_all",  # before gradients are exchanged
    "all_gather",  # before summed gradients are gathered
    "update",  # before the optimizer changes the weights
    "evaluation",  # before the held-out loss is computed
    "snapshot",  # before the state is copied to shared memory
    "write_request",  # before the writer is asked to write the snapshot
    "write",  # in the writer, after the files are written and before the manifest is
    "read",  # after each piece of a checkpoint is read to compare its checksum
    "rename",  # before a finished directory gets its final name
    "state_sync",  # before the ranks that are behind receive the state
    "broadcast",  # before each chunk of the state is sent
    "leave",  # before a rank reports its last progress and leaves
]
"""Every point, by name."""
FAULT_POINTS: frozenset[str] = frozenset(get_args(FaultPoint))

Action = Callable[[int | None], None]
"""Called at a point, with the number of steps done if the point passes it."""

_armed: dict[str, Action] = {}
"""The actions of this process. Global, so that no code has to pass them on for tests; empty outside of tests."""


def fault_point(name: FaultPoint, step: int | None = None) -> None:
    """Run the action that is armed at the point `name`, if any."""
    if _armed and (action := _armed.get(name)) is not None:
        action(step)


def arm(name: str, action: Action) -> None:
    """Run `action` at every pass of the point `name` in this process. ValueError if there is no such point."""
    if name not in FAULT_POINTS:
        raise ValueError(f"unknown fault point {name!r}; known points: {', '.join(sorted(FAULT_POINTS))}")
    _armed[name] = action


def disarm_all() -> None:
    """Remove every action."""
    _armed.clear()
