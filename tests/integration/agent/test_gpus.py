"""Eight GPUs of a fake driver, read through NVIDIA's own binding: what the agent tells of each case."""

from collections.abc import Callable

import pytest

from llmtrain_agent.gpu.driver import LOOK_SECONDS
from support.fake_node import LOADED, Node

GIVEN = [key for key in LOADED if key not in ("name", "gpm", "mig", "xids", "memory_total", "memory_used")]
NO_VALUES = ["9223372036854775794", "18446744073709551615"]
MEMORY = "llmtrain_gpu_memory_used_bytes"
WITHOUT_VALUES = {"llmtrain_gpu_info", "llmtrain_gpu_lost"}


def test_plain_load_is_told_in_base_units(node: Node) -> None:
    node.read()
    told = node.read()
    assert told.library == ["nvml", "580.65.06"]
    assert [reading["index"] for reading in told.readings] == [str(number) for number in range(8)]
    assert (
        told.sample("llmtrain_gpu_info", "3", "GPU-00000000-0000-4000-8000-000000000003", "NVIDIA H100 80GB HBM3") == 1
    )
    expected = {
        ("llmtrain_gpu_lost",): 0,
        ("llmtrain_gpu_utilization_ratio",): 0.87,
        ("llmtrain_gpu_memory_active_ratio",): 0.42,
        ("llmtrain_gpu_sm_active_ratio",): 0.715,
        ("llmtrain_gpu_tensor_active_ratio",): 0.4325,
        ("llmtrain_gpu_memory_used_bytes",): 40e9,
        ("llmtrain_gpu_memory_size_bytes",): 85_520_809_984,
        ("llmtrain_gpu_temperature_celsius",): 61,
        ("llmtrain_gpu_power_watts",): 512.345,
        ("llmtrain_gpu_power_limit_watts",): 700,
        ("llmtrain_gpu_energy_joules_total",): 500 * node.now,
        ("llmtrain_gpu_clock_hertz", "sm"): 1.98e9,
        ("llmtrain_gpu_clock_hertz", "memory"): 2.619e9,
        ("llmtrain_gpu_throttled", "power"): 0,
        ("llmtrain_gpu_throttled", "thermal"): 0,
        ("llmtrain_gpu_throttled", "hardware"): 0,
        ("llmtrain_gpu_ecc_errors_total", "corrected"): 0,
        ("llmtrain_gpu_ecc_errors_total", "uncorrected"): 0,
        ("llmtrain_gpu_pcie_bytes_per_second", "received"): 800 * 2**20,
        ("llmtrain_gpu_pcie_bytes_per_second", "sent"): 50 * 2**20,
        ("llmtrain_gpu_nvlink_bytes_total", "received"): 3e6 * 1024 * node.now,
        ("llmtrain_gpu_nvlink_bytes_total", "sent"): 2e6 * 1024 * node.now,
    }
    for (name, *labels), value in expected.items():
        assert told.sample(name, "3", *labels) == pytest.approx(value), name
    assert len(told.samples) == 8 * (len(expected) + 1)


def test_load_that_changes_is_seen_at_each_read(node: Node) -> None:
    utilizations, energies = [], []
    for percent in (0, 50, 100):
        node.set(2, utilization=percent)
        told = node.read()
        utilizations.append(told.gpu("2")["utilization_ratio"])
        energies.append(told.gpu("2")["energy_joules"])
        assert told.gpu("5")["utilization_ratio"] == pytest.approx(0.87)
    assert utilizations == pytest.approx([0.0, 0.5, 1.0])
    assert energies[2] - energies[1] == pytest.approx(500 * 5)


def test_activity_needs_two_samples_and_pcie_is_its_own_where_the_chip_is_older(node: Node) -> None:
    node.every.update(pcie_received="+16000000000", pcie_sent="+1000000")
    node.set(1, gpm="!3")
    first = node.read()
    assert first.gpu("0")["sm_active_ratio"] is None
    second = node.read()
    assert second.gpu("0")["sm_active_ratio"] == pytest.approx(0.715)
    older = second.gpu("1")
    assert older["sm_active_ratio"] is None
    # What was sent is below 2^32 bytes yet, so it can't be told whether the counter wrapped.
    assert older["pcie_bytes_per_second"] == pytest.approx({"received": 16e9})


@pytest.mark.parametrize("error", ["!15", "!28", "!16", "!999"], ids=["lost", "not found", "needs a reset", "unknown"])
def test_gpu_lost_in_the_middle_keeps_its_name_and_not_the_others(node: Node, error: str) -> None:
    node.read()
    node.set(3, all=error)
    told = node.read()
    assert told.sample("llmtrain_gpu_lost", "3") == 1
    assert (
        told.sample("llmtrain_gpu_info", "3", "GPU-00000000-0000-4000-8000-000000000003", "NVIDIA H100 80GB HBM3") == 1
    )
    assert {name for name, _, labels in told.samples if labels[1] == "3"} == WITHOUT_VALUES
    for other in "0124567":
        assert told.sample("llmtrain_gpu_lost", other) == 0
        assert told.sample("llmtrain_gpu_utilization_ratio", other) == pytest.approx(0.87)

    node.set(3, all=None)
    back = node.read()
    assert back.sample("llmtrain_gpu_lost", "3") == 0
    assert back.sample("llmtrain_gpu_utilization_ratio", "3") == pytest.approx(0.87)
    assert [(line["event"], line["gpu"]) for line in node.log] == [("GPU lost", "3"), ("GPU back", "3")]


def test_unknown_error_of_one_question_is_no_lost_gpu(node: Node) -> None:
    node.set(3, power="!999")
    told = node.read().gpu("3")
    assert not told["lost"]
    assert told["power_watts"] is None
    assert told["temperature_celsius"] == 61
    node.set(3, power=None)
    assert node.read().gpu("3")["power_watts"] == pytest.approx(512.345)


def test_gpu_lost_before_the_start_has_its_number_and_no_name(node: Node) -> None:
    node.set(0, all="!15")
    told = node.read()
    assert told.sample("llmtrain_gpu_lost", "0") == 1
    assert {name for name, _, labels in told.samples if labels[1] == "0"} == {"llmtrain_gpu_lost"}
    assert told.sample("llmtrain_gpu_lost", "1") == 0


def test_xid_events_are_counted_by_number(node: Node) -> None:
    assert node.read().gpu("6")["xid_errors"] == {}
    node.set(6, xids="63,94,63")
    told = node.read()
    assert told.sample("llmtrain_gpu_xid_errors_total", "6", "63") == 2
    assert told.sample("llmtrain_gpu_xid_errors_total", "6", "94") == 1
    assert told.gpu("5")["xid_errors"] == {}
    assert node.read().gpu("6")["xid_errors"] == {"63": 2, "94": 1}


def test_xid_of_a_gpu_that_falls_off_the_bus_is_told(node: Node) -> None:
    node.read()
    node.set(6, xids="79", all="!15")
    told = node.read()
    assert told.sample("llmtrain_gpu_lost", "6") == 1
    assert told.sample("llmtrain_gpu_xid_errors_total", "6", "79") == 1


def test_ecc_errors_are_told_by_severity(node: Node) -> None:
    node.set(4, ecc_corrected=12, ecc_uncorrected=3)
    told = node.read()
    assert told.sample("llmtrain_gpu_ecc_errors_total", "4", "corrected") == 12
    assert told.sample("llmtrain_gpu_ecc_errors_total", "4", "uncorrected") == 3


def test_throttling_is_told_by_reason(node: Node) -> None:
    node.set(1, throttle=0x4)
    node.set(2, throttle=0x8 | 0x40)
    told = node.read()
    assert told.gpu("1")["throttled"] == {"power": True, "thermal": False, "hardware": False}
    assert told.gpu("2")["throttled"] == {"power": False, "thermal": True, "hardware": True}


def test_mig_lists_the_parts_with_their_own_memory_and_no_utilization(node: Node) -> None:
    node.set(0, mig=1, mig_parts=2)
    for part, used in enumerate((1_000_000, 2_000_000)):
        node.set(f"0:{part}", name="NVIDIA_H100_80GB_HBM3_MIG_3g.40gb", memory_total=42_000_000_000, memory_used=used)
    told = node.read()
    uuids = [told.gpu(part)["uuid"] for part in ("0:0", "0:1")]
    names = ["nvidia0", uuids[0], "nvidia0/gi1", uuids[1], "nvidia0/gi2"]
    assert told.gpu("0")["device_ids"] == names
    assert told.gpu("0:1")["device_ids"] == ["nvidia0/gi2"]
    assert told.sample("llmtrain_gpu_utilization_ratio", "0") is None
    assert told.sample("llmtrain_gpu_power_watts", "0") == pytest.approx(512.345)
    assert [told.sample(MEMORY, f"0:{part}") for part in (0, 1)] == [1_000_000, 2_000_000]
    assert told.gpu("0:1")["model"] == "NVIDIA H100 80GB HBM3 MIG 3g.40gb"
    assert told.sample("llmtrain_gpu_utilization_ratio", "1") == pytest.approx(0.87)

    node.set(0, all="!15")
    lost = node.read()
    assert [lost.sample("llmtrain_gpu_lost", index) for index in ("0", "0:0", "0:1", "1")] == [1, 1, 1, 0]
    assert lost.gpu("0")["device_ids"] == names, "it is still known whose it was"
    node.set(0, all=None, mig=None, mig_parts=None)
    whole = node.read()
    assert whole.sample("llmtrain_gpu_utilization_ratio", "0") == pytest.approx(0.87)
    assert len(whole.readings) == 8


def test_what_is_not_supported_has_no_sample_and_is_not_asked_again(node: Node) -> None:
    for key in GIVEN:
        del node.every[key]
    for key in ("gpm", "mig", "xids"):
        del node.every[key]
    first, asked = node.read(), node.asked()
    assert asked["0 power"] == 1
    told = node.read()
    assert first.samples == told.samples
    sizes = {MEMORY, "llmtrain_gpu_memory_size_bytes"}
    assert {name for name, _, _ in told.samples} == WITHOUT_VALUES | sizes
    assert node.asked() == {f"{gpu} {key}": 1 for gpu in range(8) for key in ("memory_total", "memory_used")}


def test_older_driver_is_asked_the_older_questions(node: Node) -> None:
    for key in ("memory_total", "memory_used", "temperature", "throttle"):
        node.every[f"v1_{key}"] = node.every.pop(key)
    told = node.read().gpu("7")
    assert told["memory_used_bytes"] == 40_000_000_000
    assert told["temperature_celsius"] == 61
    assert told["throttled"] == {"power": False, "thermal": False, "hardware": False}


@pytest.mark.parametrize("blank", NO_VALUES, ids=["DCGM's not supported", "all bits set"])
def test_no_value_sentinel_has_no_sample(node: Node, blank: str) -> None:
    node.set(5, **dict.fromkeys(("energy", "ecc_corrected", "ecc_uncorrected", "memory_used", "nvlink_sent"), blank))
    node.set(5, power="4294967295", utilization="4294967295", gpm_sm="nan", throttle=blank)
    node.read()
    told = node.read()
    reading = told.gpu("5")
    assert reading["energy_joules"] is reading["memory_used_bytes"] is reading["power_watts"] is None
    assert reading["utilization_ratio"] is reading["sm_active_ratio"] is None
    assert reading["ecc_errors"] == reading["throttled"] == {}
    assert set(reading["nvlink_bytes"]) == {"received"}
    assert told.sample("llmtrain_gpu_memory_active_ratio", "5") == pytest.approx(0.42)


def test_no_library_at_all_is_no_gpus_and_no_failure(make_node: Callable[..., Node]) -> None:
    node = make_node(with_library=False)
    told = node.read()
    assert (told.library, told.readings) == (["none", ""], [])
    assert node.log == [{"event": "no GPUs", "level": "info", "reason": "NVML Shared Library Not Found"}]
    assert node.end() == 0


@pytest.mark.parametrize(
    ("error", "level", "reason"),
    [("!9", "info", "Driver Not Loaded"), ("!18", "warning", "RM has detected an NVML/RM version mismatch.")],
    ids=["driver not loaded", "driver updated under a loaded one"],
)
def test_library_without_a_driver_is_no_gpus(node: Node, error: str, level: str, reason: str) -> None:
    node.machine["init"] = error
    assert node.read().library == ["none", ""]
    node.now += LOOK_SECONDS
    node.read()
    assert node.log == [{"event": "no GPUs", "level": level, "reason": reason}], "said once"


def test_driver_that_comes_after_the_agent_is_found(node: Node) -> None:
    node.machine["init"] = "!9"
    assert node.read().readings == []
    del node.machine["init"]
    assert node.read().readings == [], "it is looked for once a minute"
    node.now += LOOK_SECONDS
    told = node.read()
    assert (len(told.readings), told.library) == (8, ["nvml", "580.65.06"])


def test_hot_unplugged_gpu_comes_back_under_its_number(node: Node) -> None:
    node.read()
    node.set(3, absent=1)
    node.set(4, utilization=44)
    for _ in range(14):  # the library is opened anew meanwhile, and GPU 4 is its third then
        told = node.read()
        assert told.sample("llmtrain_gpu_lost", "3") == 1
        assert told.sample("llmtrain_gpu_utilization_ratio", "4") == pytest.approx(0.44)
        assert len(told.readings) == 8
    node.set(3, absent=None)
    states = [node.read().sample("llmtrain_gpu_lost", "3") for _ in range(14)]
    assert states[-1] == 0
    assert node.read().sample("llmtrain_gpu_utilization_ratio", "3") == pytest.approx(0.87)
    assert [line["event"] for line in node.log] == ["GPU lost", "GPU back"]


def test_driver_that_goes_and_comes_back_is_used_again(node: Node) -> None:
    node.read()
    node.set("*", all="!15")
    node.machine["init"] = "!9"
    for _ in range(14):
        told = node.read()
        assert {value for name, value, _ in told.samples if name == "llmtrain_gpu_lost"} == {1.0}
    del node.machine["init"]
    node.only.clear()
    for _ in range(14):
        told = node.read()
    assert {value for name, value, _ in told.samples if name == "llmtrain_gpu_lost"} == {0.0}
    assert node.end() == 0
