"""The node's usage is read from /proc and /sys."""

from pathlib import Path

from llmtrain_agent.proc import (
    TICKS,
    Traffic,
    busy_seconds,
    cpus,
    disks,
    interfaces,
    mapped_disks,
    memory,
    physical_interfaces,
)

NET_DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     200       4    0    0    0     0          0         0      200       4    0    0    0     0       0          0
  eth0: 1789501366   94871    0    0    0     0          0         0 1858758381   96250    0    0    0     0       0          0
veth66a1383a:   97335     514    0    0    0     0          0         0   135939     556    0    0    0     0       0          0
"""


def test_without_a_physical_interface_the_names_decide(tmp_path: Path) -> None:
    traffic = interfaces(NET_DEV)
    assert traffic.keys() == {"lo", "eth0", "veth66a1383a"}
    assert physical_interfaces(traffic, tmp_path) == {"eth0": Traffic(received_bytes=1789501366, sent_bytes=1858758381)}


def test_only_physical_interfaces_without_a_physical_master_count(tmp_path: Path) -> None:
    moved = Traffic(received_bytes=1, sent_bytes=2)
    net = tmp_path / "class" / "net"
    for physical in ("eth0", "eth1", "enP1s1"):
        (net / physical / "device").mkdir(parents=True)
    for virtual in ("bond0", "eni12ab", "cilium_vxlan"):
        (net / virtual).mkdir()
    (net / "eth1" / "master").symlink_to(net / "bond0")
    (net / "enP1s1" / "master").symlink_to(net / "eth0")
    names = ("lo", "eth0", "eth1", "enP1s1", "bond0", "eni12ab", "cilium_vxlan")
    assert physical_interfaces(dict.fromkeys(names, moved), tmp_path).keys() == {"eth0", "eth1"}


def test_mapped_disks_are_those_of_the_device_mapper(tmp_path: Path) -> None:
    for disk, number in {"dm-0": "252:0", "sda": "8:0"}.items():
        (tmp_path / "block" / disk).mkdir(parents=True)
        (tmp_path / "block" / disk / "dev").write_text(f"{number}\n")
    (tmp_path / "block" / "dm-1").mkdir()
    assert "252:0" in mapped_disks(tmp_path)
    assert "8:0" not in mapped_disks(tmp_path)


def test_idle_and_iowait_are_not_busy(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu 100 20 30 9999 888 4 5 6 50 0\ncpu0 1 1\ncpu1 1 1\nintr 5\n")
    assert busy_seconds(tmp_path) == (100 + 20 + 30 + 4 + 5 + 6) / TICKS
    assert cpus(tmp_path) == 2


def test_available_memory_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\n")
    assert memory(tmp_path) == (1000 * 1024, 400 * 1024)


def test_partitions_and_loop_devices_do_not_count(tmp_path: Path) -> None:
    lines = (
        "   8 0 sda 1 0 10 0 1 0 20 0 0 0 0\n   8 1 sda1 1 0 10 0 1 0 20 0 0 0 0\n   7 0 loop0 1 0 9 0 1 0 9 0 0 0 0\n"
    )
    (tmp_path / "diskstats").write_text(lines)
    (tmp_path / "block" / "sda" / "device").mkdir(parents=True)
    (tmp_path / "block" / "loop0").mkdir()
    assert disks(tmp_path, tmp_path) == (5120, 10240)


def test_the_files_of_this_machine_are_understood() -> None:
    proc = Path("/proc")
    assert busy_seconds(proc) > 0
    assert cpus(proc) >= 1
    size, used = memory(proc)
    assert 0 < used < size
    assert "lo" in interfaces((proc / "net" / "dev").read_text())
