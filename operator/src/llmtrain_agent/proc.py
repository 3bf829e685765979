"""What a node uses, by /proc and /sys. All roots are parameters, so that a container can be given the node's."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SECTOR_BYTES = 512
"""Of /proc/diskstats, whatever the disk's own sectors are."""
BUSY = (0, 1, 2, 5, 6, 7)
"""Fields of /proc/stat in which a CPU works: user, nice, system, irq, softirq, steal. Guests are in user already."""
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
"""Names of devices that don't lead out of a node that is a container begin so: there no device is a card's."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Bytes of one network device."""

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
    """Return (bytes in all, bytes that nobody else could have)."""
    lines = (line.split() for line in (proc / "meminfo").read_text().splitlines())
    table = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines}
    return table["MemTotal"], table["MemTotal"] - table["MemAvailable"]


def disks(proc: Path, sys: Path) -> tuple[int, int]:
    """Return (bytes read, bytes written) of all whole disks; what lies on others, such as loops, is counted there."""
    read = written = 0
    for line in (proc / "diskstats").read_text().splitlines():
        words = line.split()
        if (sys / "block" / words[2] / "device").exists():
            read, written = read + int(words[5]) * SECTOR_BYTES, written + int(words[9]) * SECTOR_BYTES
    return read, written


def devices(net_dev: str) -> dict[str, Traffic]:
    """Return the traffic by device, from the text of a net/dev."""
    found = {}
    for line in net_dev.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        words = numbers.split()
        found[name.strip()] = Traffic(received_bytes=int(words[0]), sent_bytes=int(words[8]))
    return found


def physical_interfaces(traffic: dict[str, Traffic], sys: Path) -> dict[str, Traffic]:
    """Return the devices that lead out of the node: its cards.

    Bridges, bonds, tunnels and the pods' ends carry what cards carry once more. So does a card whose master is a card,
    as a virtual function under Hyper-V's.
    """
    cards = {}
    for name, moved in traffic.items():
        place = sys / "class" / "net" / name
        if (place / "device").exists() and not (place / "master" / "device").exists():
            cards[name] = moved
    return cards or {name: moved for name, moved in traffic.items() if not name.startswith(VIRTUAL_INTERFACE_PREFIXES)}


def mapped_disks(sys: Path) -> frozenset[str]:
    """Return the numbers (`major:minor`) of devices that lie on disks by the device mapper, such as LVM's."""
    return frozenset(_number(disk) for disk in (sys / "block").glob("dm-*"))


def _number(disk: Path) -> str:
    try:
        return (disk / "dev").read_text().strip()
    except OSError:  # it went while we looked
        return ""
