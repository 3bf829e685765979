"""What pods use, by their control groups: version 1 and 2, folders named by the kubelet or by systemd.

A pod's folder is below a folder `kubepods`, wherever the kubelet put that, and has the pod's UID in its name. Meanings
of the files: the kernel's admin guide, cgroup-v1 and cgroup-v2.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

POD = re.compile(r"pod([0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12})(\.slice)?$")
DEPTH_OF_KUBEPODS, DEPTH_OF_PODS = 3, 2
"""How many folders may lie between the mount and kubepods, and between that and a pod."""
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

    folders: Mapping[str, Path]
    unified: bool

    def usage(self) -> Usage:
        """Return what the pod has used."""
        return _usage_v2(self.folders["unified"]) if self.unified else _usage_v1(self.folders)

    def process(self) -> int | None:
        """Return one of its processes, None if it has none."""
        for folder in self.folders.values():
            for path in (folder, *_children(folder)):
                if words := _text(path / "cgroup.procs").split():
                    return int(words[0])
            return None
        return None


def pod_groups(mount: Path) -> dict[str, PodGroup]:
    """Return the pods below a mount of control groups, usually /sys/fs/cgroup, by UID."""
    if (mount / "cgroup.controllers").exists():
        return {uid: PodGroup(folders={"unified": folder}, unified=True) for uid, folder in _pods_below(mount)}
    folders: dict[str, dict[str, Path]] = {}
    for controller in ("memory", "cpuacct", "blkio"):
        for uid, folder in _pods_below(mount / controller):
            folders.setdefault(uid, {})[controller] = folder
    return {uid: PodGroup(folders=found, unified=False) for uid, found in folders.items()}


def pod_uid(folder: str) -> str | None:
    """Return the UID in the name of a pod's folder, None if it is no pod's."""
    found = POD.search(folder)
    return found.group(1).replace("_", "-") if found else None


def _pods_below(mount: Path) -> Iterator[tuple[str, Path]]:
    for top in _folders(mount, DEPTH_OF_KUBEPODS):
        if top.name in ("kubepods", "kubepods.slice"):
            for folder in _folders(top, DEPTH_OF_PODS):
                if uid := pod_uid(folder.name):
                    yield uid, folder


def _folders(top: Path, depth: int) -> Iterator[Path]:
    """Yield the folders below one, to a depth; a pod's own are of no interest."""
    for child in _children(top):
        yield child
        if depth > 1 and pod_uid(child.name) is None:
            yield from _folders(child, depth - 1)


def _children(folder: Path) -> list[Path]:
    """Return the folders in one; none if it went while we looked."""
    try:
        with os.scandir(folder) as entries:  # tells folders from files without asking again
            return [folder / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _usage_v2(folder: Path) -> Usage:
    cpu, memory, limit = _table(folder / "cpu.stat"), _number(folder / "memory.current"), _number(folder / "memory.max")
    served = _text(folder / "io.stat")
    disks = [dict(word.split("=") for word in line.split()[1:]) for line in served.splitlines()]
    return Usage(
        cpu_seconds=cpu["usage_usec"] / 1e6 if "usage_usec" in cpu else None,
        memory_bytes=_working_set(memory, _table(folder / "memory.stat").get("inactive_file", 0)),
        memory_limit_bytes=limit,
        read_bytes=sum(int(disk.get("rbytes", 0)) for disk in disks) if disks else None,
        written_bytes=sum(int(disk.get("wbytes", 0)) for disk in disks) if disks else None,
    )


def _usage_v1(folders: Mapping[str, Path]) -> Usage:
    cpu = _number(folders["cpuacct"] / "cpuacct.usage") if "cpuacct" in folders else None
    memory = limit = None
    if "memory" in folders:
        inactive = _table(folders["memory"] / "memory.stat").get("total_inactive_file", 0)
        memory = _working_set(_number(folders["memory"] / "memory.usage_in_bytes"), inactive)
        limit = _number(folders["memory"] / "memory.limit_in_bytes")
    lines = _text(folders["blkio"] / "blkio.throttle.io_service_bytes_recursive") if "blkio" in folders else ""
    words = [line.split() for line in lines.splitlines()]
    return Usage(
        cpu_seconds=cpu / 1e9 if cpu is not None else None,
        memory_bytes=memory,
        memory_limit_bytes=limit if limit is not None and limit < NO_LIMIT else None,
        read_bytes=sum(int(word[2]) for word in words if word[1:2] == ["Read"]) if "blkio" in folders else None,
        written_bytes=sum(int(word[2]) for word in words if word[1:2] == ["Write"]) if "blkio" in folders else None,
    )


def _working_set(used: int | None, inactive: int) -> int | None:
    return None if used is None else max(0, used - inactive)


def _number(path: Path) -> int | None:
    """Return the number in a file, None for `max` or nothing."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _table(path: Path) -> dict[str, int]:
    """Return a file of lines of a name and a number."""
    return {words[0]: int(words[1]) for line in _text(path).splitlines() if len(words := line.split()) == 2}


def _text(path: Path) -> str:
    """Return a file's text; empty if it isn't there, as when its pod has just ended."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read().decode()
    except OSError:
        return ""
