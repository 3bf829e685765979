"""Pods' control groups are found and read in every layout of nodes."""

from pathlib import Path

import pytest

from llmtrain_agent.cgroups import Usage, pod_groups, pod_uid

UID = "c181b5db-1027-48b1-a895-4384085236f5"


def write(directory: Path, files: dict[str, str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text)


V2 = {
    "cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
    "memory.current": "1000000\n",
    "memory.max": "2000000\n",
    "memory.stat": "anon 7\ninactive_file 400000\n",
    "io.stat": "8:0 rbytes=100 wbytes=200 rios=1\n8:16 rbytes=10 wbytes=20\n",
}


@pytest.mark.parametrize(
    "path",
    [
        f"kubepods/burstable/pod{UID}",
        f"kubelet/kubepods/pod{UID}",
        f"kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod{UID.replace('-', '_')}.slice",
        f"kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{UID.replace('-', '_')}.slice",
        f"kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice",
    ],
)
def test_version_2_in_every_layout(path: str, tmp_path: Path) -> None:
    write(tmp_path, {"cgroup.controllers": "cpu io memory\n"})
    write(tmp_path / path, V2)
    groups = pod_groups(tmp_path)
    assert groups.keys() == {UID}
    assert groups[UID].usage() == Usage(
        cpu_seconds=2.5, memory_bytes=600_000, memory_limit_bytes=2_000_000, read_bytes=110, written_bytes=220
    )


def test_disks_without_traffic_before_one_with_traffic(tmp_path: Path) -> None:
    """As kernels write io.stat since 5.10, until 252c651a4c85 fixed it."""
    write(tmp_path, {"cgroup.controllers": ""})
    write(tmp_path / f"kubepods/pod{UID}", {"io.stat": "7:7 7:6 7:5 259:0 rbytes=28672 wbytes=0 rios=5\n"})
    usage = pod_groups(tmp_path)[UID].usage()
    assert (usage.read_bytes, usage.written_bytes) == (28672, 0)


def test_traffic_through_the_device_mapper_counts_once(tmp_path: Path) -> None:
    write(tmp_path, {"cgroup.controllers": ""})
    write(tmp_path / f"kubepods/pod{UID}", {"io.stat": "259:0 rbytes=5 wbytes=7\n252:0 rbytes=5 wbytes=7\n"})
    usage = pod_groups(tmp_path)[UID].usage(frozenset({"252:0"}))
    assert (usage.read_bytes, usage.written_bytes) == (5, 7)
    version_1(tmp_path / "v1", "1\n")
    assert pod_groups(tmp_path / "v1")[UID].usage(frozenset({"8:0"})).read_bytes == 0


def version_1(mount: Path, limit: str) -> None:
    path = f"kubelet/kubepods/burstable/pod{UID}"
    memory = {"memory.usage_in_bytes": "1000000\n", "memory.limit_in_bytes": limit}
    write(mount / "memory" / path, {**memory, "memory.stat": "total_inactive_file 400000\n"})
    write(mount / "cpuacct" / path, {"cpuacct.usage": "2500000000\n"})
    traffic = "8:0 Read 100\n8:0 Write 200\n8:0 Total 300\nTotal 300\n"
    write(mount / "blkio" / path, {"blkio.throttle.io_service_bytes_recursive": traffic})


def test_version_1(tmp_path: Path) -> None:
    version_1(tmp_path, "2000000\n")
    assert pod_groups(tmp_path)[UID].usage() == Usage(
        cpu_seconds=2.5, memory_bytes=600_000, memory_limit_bytes=2_000_000, read_bytes=100, written_bytes=200
    )


def test_no_limit_is_none(tmp_path: Path) -> None:
    version_1(tmp_path, "9223372036854771712\n")
    assert pod_groups(tmp_path)[UID].usage().memory_limit_bytes is None
    unified = tmp_path / "v2"
    write(unified, {"cgroup.controllers": ""})
    write(unified / f"kubepods/pod{UID}", {**V2, "memory.max": "max\n"})
    assert pod_groups(unified)[UID].usage().memory_limit_bytes is None


def test_a_pod_that_ends_during_a_scrape_has_unknown_usage(tmp_path: Path) -> None:
    write(tmp_path, {"cgroup.controllers": ""})
    (tmp_path / f"kubepods/pod{UID}").mkdir(parents=True)
    assert pod_groups(tmp_path)[UID].usage() == Usage()


def test_a_process_is_found_in_a_container(tmp_path: Path) -> None:
    write(tmp_path, {"cgroup.controllers": ""})
    write(tmp_path / f"kubepods/pod{UID}", {"cgroup.procs": ""})
    assert pod_groups(tmp_path)[UID].process() is None
    write(tmp_path / f"kubepods/pod{UID}/abc", {"cgroup.procs": "4711\n4712\n"})
    assert pod_groups(tmp_path)[UID].process() == 4711


def test_a_process_of_cri_o_is_found_and_its_monitor_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, {"cgroup.controllers": ""})
    write(tmp_path / f"kubepods/pod{UID}/crio-conmon-abc.scope", {"cgroup.procs": "12\n"})
    assert pod_groups(tmp_path)[UID].process() is None
    write(tmp_path / f"kubepods/pod{UID}/crio-abc.scope", {"cgroup.procs": ""})
    write(tmp_path / f"kubepods/pod{UID}/crio-abc.scope/container", {"cgroup.procs": "4711\n"})
    assert pod_groups(tmp_path)[UID].process() == 4711


@pytest.mark.parametrize("name", ["kubepods", "podman", "burstable", "pod12", f"crio-{UID}"])
def test_other_directories_are_no_pods(name: str) -> None:
    assert pod_uid(name) is None


def test_a_static_pods_uid_without_dashes_is_found() -> None:
    assert pod_uid("pod6a4e8d6223b830f7e3b10d64a635dcf8") == "6a4e8d6223b830f7e3b10d64a635dcf8"
