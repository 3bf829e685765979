"""Eight GPUs of a fake driver, read through NVIDIA's own binding."""

from collections.abc import Callable

import pytest

from llmtrain_agent.gpu.driver import RETRY_SECONDS
from llmtrain_api.events import AgentEvent
from support.fake_node import LOADED, Node

OPTIONAL = [key for key in LOADED if key not in ("name", "gpm", "mig", "xids", "memory_total", "memory_used")]
SENTINELS = ["9223372036854775794", "18446744073709551615"]
MEMORY = "llmtrain_gpu_memory_used_bytes"
IDENTITY_ONLY = {"llmtrain_gpu_info", "llmtrain_gpu_lost"}


def test_load_is_exported_in_base_units(node: Node) -> None:
    node.scrape()
    scrape = node.scrape()
    assert scrape.library == ["nvml", "580.65.06"]
    assert [reading["index"] for reading in scrape.readings] == [str(number) for number in range(8)]
    assert (
        scrape.sample("llmtrain_gpu_info", "3", "GPU-00000000-0000-4000-8000-000000000003", "NVIDIA H100 80GB HBM3")
        == 1
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
        assert scrape.sample(name, "3", *labels) == pytest.approx(value), name
    assert len(scrape.samples) == 8 * (len(expected) + 1)


def test_changing_load_is_read_at_each_scrape(node: Node) -> None:
    utilizations, energies = [], []
    for percent in (0, 50, 100):
        node.set(2, utilization=percent)
        scrape = node.scrape()
        utilizations.append(scrape.gpu("2")["utilization_ratio"])
        energies.append(scrape.gpu("2")["energy_joules"])
        assert scrape.gpu("5")["utilization_ratio"] == pytest.approx(0.87)
    assert utilizations == pytest.approx([0.0, 0.5, 1.0])
    assert energies[2] - energies[1] == pytest.approx(500 * 5)


def test_activity_needs_two_samples_and_older_gpus_have_only_pcie_counters(node: Node) -> None:
    node.every.update(pcie_received="+16000000000", pcie_sent="+1000000")
    node.set(1, gpm="!3")
    first = node.scrape()
    assert first.gpu("0")["sm_active_ratio"] is None
    second = node.scrape()
    assert second.gpu("0")["sm_active_ratio"] == pytest.approx(0.715)
    older = second.gpu("1")
    assert older["sm_active_ratio"] is None
    # The bytes sent are still below 2^32, so the counter could have wrapped.
    assert older["pcie_bytes_per_second"] == pytest.approx({"received": 16e9})


@pytest.mark.parametrize("error", ["!15", "!28", "!16", "!999"], ids=["lost", "not found", "needs a reset", "unknown"])
def test_a_lost_gpu_keeps_its_identity_and_does_not_affect_the_others(node: Node, error: str) -> None:
    node.scrape()
    node.set(3, all=error)
    scrape = node.scrape()
    assert scrape.sample("llmtrain_gpu_lost", "3") == 1
    assert (
        scrape.sample("llmtrain_gpu_info", "3", "GPU-00000000-0000-4000-8000-000000000003", "NVIDIA H100 80GB HBM3")
        == 1
    )
    assert {name for name, labels, _ in scrape.samples if labels[1] == "3"} == IDENTITY_ONLY
    for other in "0124567":
        assert scrape.sample("llmtrain_gpu_lost", other) == 0
        assert scrape.sample("llmtrain_gpu_utilization_ratio", other) == pytest.approx(0.87)

    node.set(3, all=None)
    back = node.scrape()
    assert back.sample("llmtrain_gpu_lost", "3") == 0
    assert back.sample("llmtrain_gpu_utilization_ratio", "3") == pytest.approx(0.87)
    assert [(line["event"], line["gpu"]) for line in node.log] == [
        (AgentEvent.GPU_LOST, "3"),
        (AgentEvent.GPU_RECOVERED, "3"),
    ]


def test_an_unknown_error_of_one_query_is_no_lost_gpu(node: Node) -> None:
    node.set(3, power="!999")
    scrape = node.scrape().gpu("3")
    assert not scrape["lost"]
    assert scrape["power_watts"] is None
    assert scrape["temperature_celsius"] == 61
    node.set(3, power=None)
    assert node.scrape().gpu("3")["power_watts"] == pytest.approx(512.345)


def test_a_gpu_that_is_lost_at_the_start_has_an_index_only(node: Node) -> None:
    node.set(0, all="!15")
    scrape = node.scrape()
    assert scrape.sample("llmtrain_gpu_lost", "0") == 1
    assert {name for name, labels, _ in scrape.samples if labels[1] == "0"} == {"llmtrain_gpu_lost"}
    assert scrape.sample("llmtrain_gpu_lost", "1") == 0


def test_xid_events_are_counted_by_number(node: Node) -> None:
    assert node.scrape().gpu("6")["xid_errors"] == {}
    node.set(6, xids="63,94,63")
    scrape = node.scrape()
    assert scrape.sample("llmtrain_gpu_xid_errors_total", "6", "63") == 2
    assert scrape.sample("llmtrain_gpu_xid_errors_total", "6", "94") == 1
    assert scrape.gpu("5")["xid_errors"] == {}
    assert node.scrape().gpu("6")["xid_errors"] == {"63": 2, "94": 1}


def test_the_xid_of_a_gpu_that_falls_off_the_bus_is_counted(node: Node) -> None:
    node.scrape()
    node.set(6, xids="79", all="!15")
    scrape = node.scrape()
    assert scrape.sample("llmtrain_gpu_lost", "6") == 1
    assert scrape.sample("llmtrain_gpu_xid_errors_total", "6", "79") == 1


def test_ecc_errors_are_counted_by_severity(node: Node) -> None:
    node.set(4, ecc_corrected=12, ecc_uncorrected=3)
    scrape = node.scrape()
    assert scrape.sample("llmtrain_gpu_ecc_errors_total", "4", "corrected") == 12
    assert scrape.sample("llmtrain_gpu_ecc_errors_total", "4", "uncorrected") == 3


def test_throttling_is_exported_by_reason(node: Node) -> None:
    node.set(1, throttle=0x4)
    node.set(2, throttle=0x8 | 0x40)
    scrape = node.scrape()
    assert scrape.gpu("1")["throttled"] == {"power": True, "thermal": False, "hardware": False}
    assert scrape.gpu("2")["throttled"] == {"power": False, "thermal": True, "hardware": True}


def test_mig_instances_have_their_own_memory_and_no_utilization(node: Node) -> None:
    node.set(0, mig=1, mig_instances=2)
    for instance, used in enumerate((1_000_000, 2_000_000)):
        node.set(
            f"0:{instance}", name="NVIDIA_H100_80GB_HBM3_MIG_3g.40gb", memory_total=42_000_000_000, memory_used=used
        )
    scrape = node.scrape()
    uuids = [scrape.gpu(instance)["uuid"] for instance in ("0:0", "0:1")]
    device_ids = ["nvidia0", uuids[0], "nvidia0/gi1", uuids[1], "nvidia0/gi2"]
    assert scrape.gpu("0")["device_ids"] == device_ids
    assert scrape.gpu("0:1")["device_ids"] == ["nvidia0/gi2"]
    assert scrape.sample("llmtrain_gpu_utilization_ratio", "0") is None
    assert scrape.sample("llmtrain_gpu_power_watts", "0") == pytest.approx(512.345)
    assert [scrape.sample(MEMORY, f"0:{instance}") for instance in (0, 1)] == [1_000_000, 2_000_000]
    assert scrape.gpu("0:1")["model"] == "NVIDIA H100 80GB HBM3 MIG 3g.40gb"
    assert scrape.sample("llmtrain_gpu_utilization_ratio", "1") == pytest.approx(0.87)

    node.set(0, all="!15")
    lost = node.scrape()
    assert [lost.sample("llmtrain_gpu_lost", index) for index in ("0", "0:0", "0:1", "1")] == [1, 1, 1, 0]
    assert lost.gpu("0")["device_ids"] == device_ids, "the attribution is kept"
    node.set(0, all=None, mig=None, mig_instances=None)
    whole = node.scrape()
    assert whole.sample("llmtrain_gpu_utilization_ratio", "0") == pytest.approx(0.87)
    assert len(whole.readings) == 8


def test_an_unsupported_value_has_no_sample_and_is_not_queried_again(node: Node) -> None:
    for key in OPTIONAL:
        del node.every[key]
    for key in ("gpm", "mig", "xids"):
        del node.every[key]
    first, calls = node.scrape(), node.calls()
    assert calls["0 power"] == 1
    scrape = node.scrape()
    assert first.samples == scrape.samples
    memory = {MEMORY, "llmtrain_gpu_memory_size_bytes"}
    assert {name for name, _, _ in scrape.samples} == IDENTITY_ONLY | memory
    assert node.calls() == {f"{gpu} {key}": 1 for gpu in range(8) for key in ("memory_total", "memory_used")}


def test_an_older_driver_is_queried_by_older_functions(node: Node) -> None:
    for key in ("memory_total", "memory_used", "temperature", "throttle"):
        node.every[f"v1_{key}"] = node.every.pop(key)
    scrape = node.scrape().gpu("7")
    assert scrape["memory_used_bytes"] == 40_000_000_000
    assert scrape["temperature_celsius"] == 61
    assert scrape["throttled"] == {"power": False, "thermal": False, "hardware": False}


@pytest.mark.parametrize("blank", SENTINELS, ids=["DCGM's not supported", "all bits set"])
def test_a_sentinel_for_no_value_has_no_sample(node: Node, blank: str) -> None:
    node.set(5, **dict.fromkeys(("energy", "ecc_corrected", "ecc_uncorrected", "memory_used", "nvlink_sent"), blank))
    node.set(5, power="4294967295", utilization="4294967295", gpm_sm="nan", throttle=blank)
    node.scrape()
    scrape = node.scrape()
    reading = scrape.gpu("5")
    assert reading["energy_joules"] is reading["memory_used_bytes"] is reading["power_watts"] is None
    assert reading["utilization_ratio"] is reading["sm_active_ratio"] is None
    assert reading["ecc_errors"] == reading["throttled"] == {}
    assert set(reading["nvlink_bytes"]) == {"received"}
    assert scrape.sample("llmtrain_gpu_memory_active_ratio", "5") == pytest.approx(0.42)


def test_a_node_without_the_library_has_no_gpus(make_node: Callable[..., Node]) -> None:
    node = make_node(with_library=False)
    scrape = node.scrape()
    assert (scrape.library, scrape.readings) == (["none", ""], [])
    assert node.log == [
        {"event": AgentEvent.GPUS_NOT_FOUND, "level": "info", "reason": "NVML Shared Library Not Found"}
    ]
    assert node.stop() == 0


@pytest.mark.parametrize(
    ("error", "level", "reason"),
    [("!9", "info", "Driver Not Loaded"), ("!18", "warning", "RM has detected an NVML/RM version mismatch.")],
    ids=["driver not loaded", "driver updated under a loaded one"],
)
def test_a_node_without_a_usable_driver_has_no_gpus(node: Node, error: str, level: str, reason: str) -> None:
    node.machine["init"] = error
    assert node.scrape().library == ["none", ""]
    node.now += RETRY_SECONDS
    node.scrape()
    assert node.log == [{"event": AgentEvent.GPUS_NOT_FOUND, "level": level, "reason": reason}], "logged once"


def test_a_driver_that_is_installed_after_the_agent_started_is_found(node: Node) -> None:
    node.machine["init"] = "!9"
    assert node.scrape().readings == []
    del node.machine["init"]
    assert node.scrape().readings == [], "there is one attempt per minute to load the driver"
    node.now += RETRY_SECONDS
    scrape = node.scrape()
    assert (len(scrape.readings), scrape.library) == (8, ["nvml", "580.65.06"])


def test_a_hot_unplugged_gpu_comes_back_under_its_index(node: Node) -> None:
    node.scrape()
    node.set(3, absent=1)
    node.set(4, utilization=44)
    for _ in range(14):  # NVML is initialised again in between, and then GPU 4 is its third
        scrape = node.scrape()
        assert scrape.sample("llmtrain_gpu_lost", "3") == 1
        assert scrape.sample("llmtrain_gpu_utilization_ratio", "4") == pytest.approx(0.44)
        assert len(scrape.readings) == 8
    node.set(3, absent=None)
    states = [node.scrape().sample("llmtrain_gpu_lost", "3") for _ in range(14)]
    assert states[-1] == 0
    assert node.scrape().sample("llmtrain_gpu_utilization_ratio", "3") == pytest.approx(0.87)
    assert [line["event"] for line in node.log] == [AgentEvent.GPU_LOST, AgentEvent.GPU_RECOVERED]


def test_a_driver_that_is_unloaded_and_loaded_again_is_used_again(node: Node) -> None:
    node.scrape()
    node.set("*", all="!15")
    node.machine["init"] = "!9"
    for _ in range(14):
        scrape = node.scrape()
        assert {value for name, _, value in scrape.samples if name == "llmtrain_gpu_lost"} == {1.0}
    del node.machine["init"]
    node.only.clear()
    for _ in range(14):
        scrape = node.scrape()
    assert {value for name, _, value in scrape.samples if name == "llmtrain_gpu_lost"} == {0.0}
    assert node.stop() == 0
