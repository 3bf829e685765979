"""What each pod uses, from control groups of version 1 or 2, with the cgroupfs or the systemd driver.

A pod's directory is below a directory `kubepods`, at any depth that the kubelet configures, and has the pod's UID in its
name. The files are documented in the kernel's admin guide, cgroup-v1 and cgroup-v2.
"""

import os
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

POD = re.compile(r"pod([0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12})(\.slice)?$")
TOP = re.compile(r"(?:.+-)?kubepods(?:\.slice)?")
"""systemd repeats the names of a slice's parents in its name."""
DEPTH_OF_KUBEPODS, DEPTH_OF_PODS, DEPTH_OF_PROCESSES = 3, 2, 2
"""Greatest depth of kubepods below the mount point, of a pod below that, and of a process below its pod."""
MONITOR = "crio-conmon"
"""Prefix of CRI-O's container monitor, which runs in the node's network namespace."""
MAX_FILE_BYTES = 2**16
"""Longest file that is read; the kernel returns each of these files in one read."""
NO_LIMIT = 2**62
"""Version 1 represents "no limit" by about the largest 64-bit number."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a pod has used, and its memory limit. Values that cannot be read are None."""

    cpu_seconds: float | None = None
    memory_bytes: int | None = None
    """The working set, as the kubelet defines it: without inactive page cache."""
    memory_limit_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class PodGroup:
    """The control group of one pod."""

    directories: Mapping[str, str]
    """By controller; in version 2 only "unified". Text, because pathlib would take most of the time of a scrape."""
    unified: bool

    def usage(self, mapped_disks: Container[str] = ()) -> Usage:
        """Return what the pod has used.

        Traffic of `mapped_disks` (`major:minor`) is left out, because the disks below them count it too.
        """
        if self.unified:
            return _usage_v2(self.directories["unified"], mapped_disks)
        return _usage_v1(self.directories, mapped_disks)

    def process(self) -> int | None:
        """Return the id of one of its processes, or None if it has none."""
        directory = next(iter(self.directories.values()), None)
        if directory is None:
            return None
        children = _directories(directory, DEPTH_OF_PROCESSES)
        for path in (directory, *(child.path for child in children if not child.name.startswith(MONITOR))):
            if processes := _text(f"{path}/cgroup.procs").split():
                return int(processes[0])
        return None


def pod_groups(mount: Path) -> dict[str, PodGroup]:
    """Return the control groups of the pods by UID, below a mount point that is usually /sys/fs/cgroup."""
    if (mount / "cgroup.controllers").exists():
        return {uid: PodGroup(directories={"unified": path}, unified=True) for uid, path in _pods_below(str(mount))}
    directories: dict[str, dict[str, str]] = {}
    for controller in ("memory", "cpuacct", "blkio"):
        for uid, path in _pods_below(f"{mount}/{controller}"):
            directories.setdefault(uid, {})[controller] = path
    return {uid: PodGroup(directories=by_controller, unified=False) for uid, by_controller in directories.items()}


def pod_uid(directory_name: str) -> str | None:
    """Return the UID in the name of a pod's directory, or None if it is not a pod's."""
    found = POD.search(directory_name)
    return found.group(1).replace("_", "-") if found else None


def _pods_below(mount: str) -> Iterator[tuple[str, str]]:
    for top in _directories(mount, DEPTH_OF_KUBEPODS):
        if TOP.fullmatch(top.name):
            for directory in _directories(top.path, DEPTH_OF_PODS):
                if uid := pod_uid(directory.name):
                    yield uid, directory.path


def _directories(top: str, depth: int) -> Iterator["os.DirEntry[str]"]:
    """Yield the directories below `top` to a depth, but not those inside a pod's."""
    for child in _children(top):
        yield child
        if depth > 1 and pod_uid(child.name) is None:
            yield from _directories(child.path, depth - 1)


def _children(directory: str) -> list["os.DirEntry[str]"]:
    """Return the directories in one; none if it has just been removed."""
    try:
        with os.scandir(directory) as entries:  # knows the type of each entry without another system call
            return [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _usage_v2(directory: str, mapped_disks: Container[str]) -> Usage:
    cpu, memory = _field(f"{directory}/cpu.stat", "usage_usec"), _number(f"{directory}/memory.current")
    # Some kernels write devices without traffic in front of the next one's line: 7:1 7:0 rbytes=1 …
    lines = [line.split() for line in _text(f"{directory}/io.stat").splitlines()]
    disks = [
        dict(field.split("=", 1) for field in line if "=" in field) for line in lines if _disk(line) not in mapped_disks
    ]
    return Usage(
        cpu_seconds=cpu / 1e6 if cpu is not None else None,
        memory_bytes=_working_set(memory, _field(f"{directory}/memory.stat", "inactive_file")),
        memory_limit_bytes=_number(f"{directory}/memory.max"),
        read_bytes=sum(int(disk.get("rbytes", 0)) for disk in disks) if lines else None,
        written_bytes=sum(int(disk.get("wbytes", 0)) for disk in disks) if lines else None,
    )


def _disk(line: list[str]) -> str:
    """Return the device number (`major:minor`) of a line of io.stat."""
    return next((field for field in reversed(line) if "=" not in field), "")


def _usage_v1(directories: Mapping[str, str], mapped_disks: Container[str]) -> Usage:
    cpu = _number(f"{directories['cpuacct']}/cpuacct.usage") if "cpuacct" in directories else None
    memory = limit = None
    if "memory" in directories:
        inactive = _field(f"{directories['memory']}/memory.stat", "total_inactive_file")
        memory = _working_set(_number(f"{directories['memory']}/memory.usage_in_bytes"), inactive)
        limit = _number(f"{directories['memory']}/memory.limit_in_bytes")
    text = _text(f"{directories['blkio']}/blkio.throttle.io_service_bytes_recursive") if "blkio" in directories else ""
    lines = [line.split() for line in text.splitlines() if line.partition(" ")[0] not in mapped_disks]
    return Usage(
        cpu_seconds=cpu / 1e9 if cpu is not None else None,
        memory_bytes=memory,
        memory_limit_bytes=limit if limit is not None and limit < NO_LIMIT else None,
        read_bytes=sum(int(line[2]) for line in lines if line[1:2] == ["Read"]) if text else None,
        written_bytes=sum(int(line[2]) for line in lines if line[1:2] == ["Write"]) if text else None,
    )


def _working_set(used: int | None, inactive: int | None) -> int | None:
    return None if used is None else max(0, used - (inactive or 0))


def _number(path: str) -> int | None:
    """Return the number in a file, or None for `max` or an empty file."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _field(path: str, name: str) -> int | None:
    """Return a number by its name, from a file with lines of a name and a number; None if it is missing."""
    _, found, rest = ("\n" + _text(path)).partition(f"\n{name} ")
    return int(rest.partition("\n")[0]) if found else None


def _text(path: str) -> str:
    """Return a file's text; empty if it is missing, for example because its pod has just ended."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, MAX_FILE_BYTES).decode()
    except OSError:
        return ""
    finally:
        os.close(descriptor)
