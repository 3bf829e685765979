"""When a process was started: with its id it names a process for good, because ids are used again."""

from pathlib import Path


def started_at(pid: int) -> int:
    """Return when a process was started, in clock ticks since the machine was; ProcessLookupError if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except FileNotFoundError:
        raise ProcessLookupError(pid) from None
