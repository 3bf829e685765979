"""What a node uses, from /proc and /sys, whose paths are parameters: in a container the node's are mounted elsewhere."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SECTOR_BYTES = 512
"""Unit of /proc/diskstats, independent of a disk's own sector size."""
BUSY = (0, 1, 2, 5, 6, 7)
"""Fields of /proc/stat that are busy time: user, nice, system, irq, softirq, steal. User includes guests."""
VIRTUAL_INTERFACE_PREFIXES = (
    "lo",
    "veth",
    "cni",
    "docker",
    "podman",
    "flannel",
    "cali",
    "lxc",
    "tunl",
    "kube-",
    "dummy",
    "ifb",
    "nodelocaldns",
)
"""Prefixes of interfaces that stay inside the node. Used on nodes that are containers and have no physical interface."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Bytes of one network interface."""

    received_bytes: int
    sent_bytes: int


def busy_seconds(proc: Path) -> float:
    """Return the seconds that all CPUs were busy since the node started."""
    fields = (proc / "stat").read_text().splitlines()[0].split()[1:]
    return sum(int(fields[number]) for number in BUSY) / TICKS


def cpus(proc: Path) -> int:
    """Return the number of CPUs."""
    lines = (proc / "stat").read_text().splitlines()
    return len([line for line in lines if line.startswith("cpu") and line[3].isdigit()])


def memory(proc: Path) -> tuple[int, int]:
    """Return (size, used) of the memory in bytes; what is available to new processes does not count as used."""
    lines = (line.split() for line in (proc / "meminfo").read_text().splitlines())
    size_bytes = {fields[0].rstrip(":"): int(fields[1]) * 1024 for fields in lines}
    return size_bytes["MemTotal"], size_bytes["MemTotal"] - size_bytes["MemAvailable"]


def disks(proc: Path, sys: Path) -> tuple[int, int]:
    """Return (bytes read, bytes written) of all physical disks; partitions and loop devices are part of those."""
    read = written = 0
    for line in (proc / "diskstats").read_text().splitlines():
        fields = line.split()
        if (sys / "block" / fields[2] / "device").exists():
            read, written = read + int(fields[5]) * SECTOR_BYTES, written + int(fields[9]) * SECTOR_BYTES
    return read, written


def interfaces(net_dev: str) -> dict[str, Traffic]:
    """Return the traffic by network interface, from the text of a net/dev file."""
    traffic = {}
    for line in net_dev.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        fields = numbers.split()
        traffic[name.strip()] = Traffic(received_bytes=int(fields[0]), sent_bytes=int(fields[8]))
    return traffic


def physical_interfaces(traffic: dict[str, Traffic], sys: Path) -> dict[str, Traffic]:
    """Return the physical interfaces, which carry traffic out of the node.

    Bridges, bonds, tunnels and the pods' interfaces would count it a second time. So would an interface whose master is
    physical, such as a virtual function under Hyper-V.
    """
    physical = {}
    for name, moved in traffic.items():
        interface = sys / "class" / "net" / name
        if (interface / "device").exists() and not (interface / "master" / "device").exists():
            physical[name] = moved
    if physical:
        return physical
    return {name: moved for name, moved in traffic.items() if not name.startswith(VIRTUAL_INTERFACE_PREFIXES)}


def mapped_disks(sys: Path) -> frozenset[str]:
    """Return the numbers (`major:minor`) of device-mapper devices, such as LVM volumes, which lie on other disks."""
    return frozenset(_number(disk) for disk in (sys / "block").glob("dm-*"))


def _number(disk: Path) -> str:
    try:
        return (disk / "dev").read_text().strip()
    except OSError:  # it has just been removed
        return ""
