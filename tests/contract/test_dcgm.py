"""DCGM exporter's metrics are mapped to llmtrain's names and units, with and without honor_labels."""

import re
from pathlib import Path
from typing import Any

import pytest

from contract.promtool import Test, check, promql_test, series_name
from llmtrain_api.alerting import dcgm
from llmtrain_api.metrics.catalogue import CATALOGUE

EXPORTER = 'Hostname="n1", gpu="3", UUID="GPU-7", modelName="NVIDIA H200", pod="nvidia-dcgm-exporter-x"'
HELD = f'{EXPORTER}, exported_namespace="team", exported_pod="gpt-worker-0"'
KNOWN_POD = 'llmtrain_pod_memory_used_bytes{node="n1", namespace="team", pod="gpt-worker-0", training_job="gpt"}'
NO_VALUE = "9223372036854775794"
GPU = {"node": "n1", "gpu": "3"}
MAPPED_VALUES = {
    "DCGM_FI_DEV_GPU_UTIL": ("50", 0.5),
    "DCGM_FI_PROF_SM_ACTIVE": ("0.25", 0.25),
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": ("0.75", 0.75),
    "DCGM_FI_DEV_MEM_COPY_UTIL": ("25", 0.25),
    "DCGM_FI_DEV_FB_USED": ("2", 2 * 2**20),
    "DCGM_FI_DEV_GPU_TEMP": ("61", 61),
    "DCGM_FI_DEV_POWER_USAGE": ("512", 512),
    "DCGM_FI_DEV_ENFORCED_POWER_LIMIT": ("700", 700),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("5000", 5),
    "DCGM_FI_DEV_SM_CLOCK": ("1980", 1.98e9),
    "DCGM_FI_DEV_MEM_CLOCK": ("3201", 3.201e9),
    "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL": ("4", 4),
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": ("1", 1),
    "DCGM_FI_PROF_PCIE_RX_BYTES": ("1000", 1000),
    "DCGM_FI_PROF_PCIE_TX_BYTES": ("2000", 2000),
}
"""A value of each field of the exporter, and the value it is mapped to."""
pytestmark = pytest.mark.promtool


def case(name: str, series: dict[str, str], record: str, expected: list[dict[str, Any]]) -> Test:
    """Return a test of what is recorded from constant series."""
    return promql_test(name, {labels: f"{value}+0x5" for labels, value in series.items()}, 2, record, expected)


def silent(field: dcgm.Field, labels: str, value: str) -> Test:
    """Return a test that nothing is recorded from a field's value."""
    return case(field.name, {f"{field.name}{{{labels}}}": value}, field.metric.name, [])


@pytest.mark.parametrize("labels", [EXPORTER, HELD], ids=["free", "held"])
def test_a_field_is_mapped(labels: str, rule_file: Path) -> None:
    cases = []
    for field in dcgm.FIELDS:
        exported, mapped = MAPPED_VALUES[field.name]
        name = field.metric.name
        expected = [{"labels": series_name({**GPU, **field.labels}, name), "value": mapped}]
        cases.append(case(field.name, {f"{field.name}{{{labels}}}": exported}, name, expected))
    check(rule_file, *cases)


def test_the_code_for_no_value_is_dropped(rule_file: Path) -> None:
    check(rule_file, *(silent(field, EXPORTER, NO_VALUE) for field in dcgm.FIELDS))


def test_a_mig_instance_is_not_mapped(rule_file: Path) -> None:
    check(rule_file, *(silent(field, f'{EXPORTER}, GPU_I_ID="1"', "1") for field in dcgm.FIELDS))


def test_total_memory_is_the_sum_of_used_and_free(rule_file: Path) -> None:
    name = "llmtrain_gpu_memory_size_bytes"
    used, free = f"DCGM_FI_DEV_FB_USED{{{EXPORTER}}}", f"DCGM_FI_DEV_FB_FREE{{{EXPORTER}}}"
    total = [{"labels": series_name(GPU, name), "value": 8 * 2**20}]
    check(
        rule_file,
        case("both are known", {used: "2", free: "6"}, name, total),
        case("one is not", {used: "2", free: NO_VALUE}, name, []),
    )


def test_labels_identify_the_gpu(rule_file: Path) -> None:
    name = "llmtrain_gpu_info"
    expected = [{"labels": series_name({**GPU, "uuid": "GPU-7", "model": "NVIDIA H200"}, name), "value": 1}]
    check(
        rule_file,
        case("a GPU", {f"DCGM_FI_DEV_FB_USED{{{EXPORTER}}}": "0"}, name, expected),
        case("a part of one", {f'DCGM_FI_DEV_FB_USED{{{EXPORTER}, GPU_I_ID="1"}}': "0"}, name, []),
    )


@pytest.mark.parametrize(
    "labels", [HELD, EXPORTER.replace("nvidia-dcgm-exporter-x", "gpt-worker-0") + ', namespace="team"']
)
def test_a_gpu_is_attributed_to_its_pod(labels: str, rule_file: Path) -> None:
    name = "llmtrain_gpu_assigned"
    owner = {"namespace": "team", "pod": "gpt-worker-0", "training_job": "gpt"}
    held = {f"DCGM_FI_DEV_FB_USED{{{labels}}}": "5", KNOWN_POD: "1000"}
    free = {f"DCGM_FI_DEV_FB_USED{{{EXPORTER}}}": "5", KNOWN_POD: "1000"}
    check(
        rule_file,
        case("a pod has it", held, name, [{"labels": series_name({**GPU, **owner}, name), "value": 1}]),
        case("no pod has it", free, name, []),
    )


def of_pod(number: int, owner: str, more: str = "") -> str:
    """Return the labels of a GPU that a pod has."""
    chip = EXPORTER.replace('gpu="3"', f'gpu="{number}"').replace("GPU-7", f"GPU-{number}")
    return f'{chip}, exported_namespace="team", exported_pod="{owner}"{more}'


OTHERS = {
    "divided": [of_pod(1, "a", ', GPU_I_ID="1"'), of_pod(1, "b", ', GPU_I_ID="2"')],
    "sliced": [of_pod(1, "a"), of_pod(1, "b")],
}
"""A GPU that two pods have, in parts or in turns."""


@pytest.mark.parametrize("way", OTHERS)
def test_a_gpu_of_several_pods_is_attributed_to_none_and_does_not_affect_others(way: str, rule_file: Path) -> None:
    names = [of_pod(0, "gpt-worker-0"), *OTHERS[way]]
    series = {f"DCGM_FI_DEV_FB_USED{{{name}}}": "5" for name in names}
    series |= {f"DCGM_FI_DEV_GPU_UTIL{{{name}}}": "50" for name in names}
    series |= {KNOWN_POD.replace("gpt-worker-0", pod): "1" for pod in ("gpt-worker-0", "a", "b")}
    owner = {"namespace": "team", "pod": "gpt-worker-0", "training_job": "gpt"}
    expected_by_name = {
        "llmtrain_gpu_assigned": ({"node": "n1", "gpu": "0", **owner}, 1),
        "pod:llmtrain_gpu_utilization_ratio:avg": (owner, 0.5),
        "training_job:llmtrain_gpu_utilization_ratio:avg": ({"namespace": "team", "training_job": "gpt"}, 0.5),
    }
    cases = [
        case(name, series, name, [{"labels": series_name(labels, name), "value": meant}])
        for name, (labels, meant) in expected_by_name.items()
    ]
    shared = "llmtrain_gpu_shared"
    numbers = {"0": 0} | ({"1": 1} if way == "sliced" else {})
    expected = [
        {"labels": series_name({"node": "n1", "gpu": gpu}, shared), "value": one} for gpu, one in numbers.items()
    ]
    check(rule_file, *cases, case(shared, series, shared, expected))


def test_the_last_xid_is_counted_once(rule_file: Path) -> None:
    name = "llmtrain_gpu_xid_errors_total"
    expected = [{"labels": series_name({**GPU, "xid": "79"}, name), "value": 1}]
    check(
        rule_file,
        case("an XID", {f"DCGM_FI_DEV_XID_ERRORS{{{EXPORTER}}}": "79"}, name, expected),
        case("none", {f"DCGM_FI_DEV_XID_ERRORS{{{EXPORTER}}}": "0"}, name, []),
    )


def test_every_rule_is_tested_and_records_a_metric_of_the_catalogue() -> None:
    tried = {field.metric.name for field in dcgm.FIELDS} | {
        "llmtrain_gpu_memory_size_bytes",
        "llmtrain_gpu_info",
        "llmtrain_gpu_assigned",
        "llmtrain_gpu_shared",
        "llmtrain_gpu_xid_errors_total",
    }
    assert MAPPED_VALUES.keys() == {field.name for field in dcgm.FIELDS}
    assert {rule.record for rule in dcgm.RECORDINGS} == tried
    assert tried <= {metric.name for metric in CATALOGUE}
    for rule in dcgm.RECORDINGS:
        assert re.search(r"DCGM_FI_\w+", rule.expr)
