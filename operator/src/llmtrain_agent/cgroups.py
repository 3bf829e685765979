"""What pods use, by their control groups: version 1 and 2, folders named by the kubelet or by systemd.

A pod's folder is below a folder `kubepods`, wherever the kubelet put that, and has the pod's UID in its name. Meanings
of the files: the kernel's admin guide, cgroup-v1 and cgroup-v2.
"""

import os
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

POD = re.compile(r"pod([0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12})(\.slice)?$")
TOP = re.compile(r"(?:.+-)?kubepods(?:\.slice)?")
"""systemd writes a slice's parents into its name."""
DEPTH_OF_KUBEPODS, DEPTH_OF_PODS, DEPTH_OF_PROCESSES = 3, 2, 2
"""How many folders deep kubepods may be below the mount, a pod below that, and a process below its pod."""
MONITOR = "crio-conmon"
"""CRI-O's monitor of a container, which is in the node's network."""
MOST_BYTES = 2**16
"""Longest file that is read; the kernel gives each of these in one piece."""
NO_LIMIT = 2**62
"""Version 1 writes no limit as about the largest number it has."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a pod has used, and may use. What can't be read is None."""

    cpu_seconds: float | None = None
    memory_bytes: int | None = None
    """Without files that could be dropped from the cache: what the kubelet calls the working set."""
    memory_limit_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class PodGroup:
    """The folders of one pod: by controller in version 1, the same for all in version 2."""

    folders: Mapping[str, str]
    """Paths as text: a hundred pods at every scrape make pathlib's share of the time the largest."""
    unified: bool

    def usage(self, mapped_disks: Container[str] = ()) -> Usage:
        """Return what the pod has used.

        What went through `mapped_disks` (`major:minor`) is counted at the disks below them, so it isn't here again.
        """
        return (
            _usage_v2(self.folders["unified"], mapped_disks) if self.unified else _usage_v1(self.folders, mapped_disks)
        )

    def process(self) -> int | None:
        """Return one of its processes, None if it has none."""
        for folder in self.folders.values():
            below = (child.path for child in _folders(folder, DEPTH_OF_PROCESSES) if not child.name.startswith(MONITOR))
            for path in (folder, *below):
                if words := _text(f"{path}/cgroup.procs").split():
                    return int(words[0])
            return None
        return None


def pod_groups(mount: Path) -> dict[str, PodGroup]:
    """Return the pods below a mount of control groups, usually /sys/fs/cgroup, by UID."""
    if (mount / "cgroup.controllers").exists():
        return {uid: PodGroup(folders={"unified": folder}, unified=True) for uid, folder in _pods_below(str(mount))}
    folders: dict[str, dict[str, str]] = {}
    for controller in ("memory", "cpuacct", "blkio"):
        for uid, folder in _pods_below(f"{mount}/{controller}"):
            folders.setdefault(uid, {})[controller] = folder
    return {uid: PodGroup(folders=found, unified=False) for uid, found in folders.items()}


def pod_uid(folder: str) -> str | None:
    """Return the UID in the name of a pod's folder, None if it is no pod's."""
    found = POD.search(folder)
    return found.group(1).replace("_", "-") if found else None


def _pods_below(mount: str) -> Iterator[tuple[str, str]]:
    for top in _folders(mount, DEPTH_OF_KUBEPODS):
        if TOP.fullmatch(top.name):
            for folder in _folders(top.path, DEPTH_OF_PODS):
                if uid := pod_uid(folder.name):
                    yield uid, folder.path


def _folders(top: str, depth: int) -> Iterator["os.DirEntry[str]"]:
    """Yield the folders below one, to a depth; a pod's own are of no interest."""
    for child in _children(top):
        yield child
        if depth > 1 and pod_uid(child.name) is None:
            yield from _folders(child.path, depth - 1)


def _children(folder: str) -> list["os.DirEntry[str]"]:
    """Return the folders in one; none if it went while we looked."""
    try:
        with os.scandir(folder) as entries:  # tells folders from files without asking again
            return [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _usage_v2(folder: str, mapped_disks: Container[str]) -> Usage:
    cpu, memory = _field(f"{folder}/cpu.stat", "usage_usec"), _number(f"{folder}/memory.current")
    # Some kernels write devices without traffic into the line of the next one: 7:1 7:0 rbytes=1 …
    lines = [line.split() for line in _text(f"{folder}/io.stat").splitlines()]
    disks = [
        dict(word.split("=", 1) for word in words if "=" in word) for words in lines if _disk(words) not in mapped_disks
    ]
    return Usage(
        cpu_seconds=cpu / 1e6 if cpu is not None else None,
        memory_bytes=_working_set(memory, _field(f"{folder}/memory.stat", "inactive_file")),
        memory_limit_bytes=_number(f"{folder}/memory.max"),
        read_bytes=sum(int(disk.get("rbytes", 0)) for disk in disks) if lines else None,
        written_bytes=sum(int(disk.get("wbytes", 0)) for disk in disks) if lines else None,
    )


def _disk(words: list[str]) -> str:
    """Return whose line of io.stat this is, by number."""
    return next((word for word in reversed(words) if "=" not in word), "")


def _usage_v1(folders: Mapping[str, str], mapped_disks: Container[str]) -> Usage:
    cpu = _number(f"{folders['cpuacct']}/cpuacct.usage") if "cpuacct" in folders else None
    memory = limit = None
    if "memory" in folders:
        inactive = _field(f"{folders['memory']}/memory.stat", "total_inactive_file")
        memory = _working_set(_number(f"{folders['memory']}/memory.usage_in_bytes"), inactive)
        limit = _number(f"{folders['memory']}/memory.limit_in_bytes")
    lines = _text(f"{folders['blkio']}/blkio.throttle.io_service_bytes_recursive") if "blkio" in folders else ""
    words = [line.split() for line in lines.splitlines() if line.partition(" ")[0] not in mapped_disks]
    return Usage(
        cpu_seconds=cpu / 1e9 if cpu is not None else None,
        memory_bytes=memory,
        memory_limit_bytes=limit if limit is not None and limit < NO_LIMIT else None,
        read_bytes=sum(int(word[2]) for word in words if word[1:2] == ["Read"]) if lines else None,
        written_bytes=sum(int(word[2]) for word in words if word[1:2] == ["Write"]) if lines else None,
    )


def _working_set(used: int | None, inactive: int | None) -> int | None:
    return None if used is None else max(0, used - (inactive or 0))


def _number(path: str) -> int | None:
    """Return the number in a file, None for `max` or nothing."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _field(path: str, name: str) -> int | None:
    """Return a number by its name, in a file of lines of both; None if it isn't there."""
    _, found, rest = ("\n" + _text(path)).partition(f"\n{name} ")
    return int(rest.partition("\n")[0]) if found else None


def _text(path: str) -> str:
    """Return a file's text; empty if it isn't there, as when its pod has just ended."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, MOST_BYTES).decode()
    except OSError:
        return ""
    finally:
        os.close(descriptor)
