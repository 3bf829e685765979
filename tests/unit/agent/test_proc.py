"""The node's own use is read off /proc and /sys."""

from pathlib import Path

from llmtrain_agent.proc import (
    TICKS,
    Traffic,
    busy_seconds,
    cpus,
    devices,
    disks,
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


def test_without_a_card_names_tell_which_devices_lead_out(tmp_path: Path) -> None:
    found = devices(NET_DEV)
    assert found.keys() == {"lo", "eth0", "veth66a1383a"}
    assert physical_interfaces(found, tmp_path) == {"eth0": Traffic(received_bytes=1789501366, sent_bytes=1858758381)}


def test_only_cards_lead_out_and_each_byte_counts_once(tmp_path: Path) -> None:
    moved = Traffic(received_bytes=1, sent_bytes=2)
    net = tmp_path / "class" / "net"
    for card in ("eth0", "eth1", "enP1s1"):
        (net / card / "device").mkdir(parents=True)
    for inner in ("bond0", "eni12ab", "cilium_vxlan"):
        (net / inner).mkdir()
    (net / "eth1" / "master").symlink_to(net / "bond0")
    (net / "enP1s1" / "master").symlink_to(net / "eth0")
    names = ("lo", "eth0", "eth1", "enP1s1", "bond0", "eni12ab", "cilium_vxlan")
    assert physical_interfaces(dict.fromkeys(names, moved), tmp_path).keys() == {"eth0", "eth1"}


def test_numbers_of_mapped_disks(tmp_path: Path) -> None:
    for disk, number in {"dm-0": "252:0", "sda": "8:0"}.items():
        (tmp_path / "block" / disk).mkdir(parents=True)
        (tmp_path / "block" / disk / "dev").write_text(f"{number}\n")
    (tmp_path / "block" / "dm-1").mkdir()
    assert "252:0" in mapped_disks(tmp_path)
    assert "8:0" not in mapped_disks(tmp_path)


def test_busy_is_neither_idle_nor_waiting_for_disks(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu 100 20 30 9999 888 4 5 6 50 0\ncpu0 1 1\ncpu1 1 1\nintr 5\n")
    assert busy_seconds(tmp_path) == (100 + 20 + 30 + 4 + 5 + 6) / TICKS
    assert cpus(tmp_path) == 2


def test_memory_that_nobody_else_could_have(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\n")
    assert memory(tmp_path) == (1000 * 1024, 400 * 1024)


def test_a_disk_counts_once(tmp_path: Path) -> None:
    lines = (
        "   8 0 sda 1 0 10 0 1 0 20 0 0 0 0\n   8 1 sda1 1 0 10 0 1 0 20 0 0 0 0\n   7 0 loop0 1 0 9 0 1 0 9 0 0 0 0\n"
    )
    (tmp_path / "diskstats").write_text(lines)
    (tmp_path / "block" / "sda" / "device").mkdir(parents=True)
    (tmp_path / "block" / "loop0").mkdir()
    assert disks(tmp_path, tmp_path) == (5120, 10240)


def test_this_machine_can_be_read() -> None:
    proc = Path("/proc")
    assert busy_seconds(proc) > 0
    assert cpus(proc) >= 1
    size, used = memory(proc)
    assert 0 < used < size
    assert "lo" in devices((proc / "net" / "dev").read_text())
