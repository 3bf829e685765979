"""The agent's values are compared with nvidia-smi's within a tolerance."""

import pytest

from llmtrain_agent.gpu.comparison import COLUMNS, compare, parse
from llmtrain_agent.gpu.reading import GpuReading

ROW = "GPU-0, 87, 42, 38147, 81559, 61, 512.35, 700.00, 1980, 2619, 0, 0\n"
READING = GpuReading(
    index="0",
    uuid="GPU-0",
    model="H100",
    utilization_ratio=0.87,
    memory_active_ratio=0.42,
    memory_used_bytes=38147 * 2**20,
    memory_size_bytes=81559 * 2**20,
    temperature_celsius=61,
    power_watts=512.345,
    power_limit_watts=700.0,
    clock_hertz={"sm": 1.98e9, "memory": 2.619e9},
    ecc_errors={"corrected": 0, "uncorrected": 0},
)


def differing(row: str, reading: GpuReading) -> list[str]:
    return [comparison.name for comparison in compare([([reading], parse(row))]) if not comparison.agrees]


def test_equal_values_agree_in_every_column() -> None:
    assert len(ROW.split(",")) == len(COLUMNS)
    comparisons = list(compare([([READING], parse(ROW))]))
    assert len(comparisons) == len(COLUMNS) - 1
    assert all(comparison.agrees for comparison in comparisons)
    assert str(comparisons[0]) == "gpu 0 utilization_ratio agent=0.87 nvidia-smi=0.87 tolerance=0.15 ok"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(" 61,", " 63,", [], id="a few degrees are tolerated"),
        pytest.param(" 61,", " 70,", ["temperature_celsius"], id="another GPU's temperature"),
        pytest.param(" 512.35,", " 512345,", ["power_watts"], id="milliwatts taken for watts"),
        pytest.param(" 38147,", " 76294,", ["memory_used_bytes"], id="twice the memory"),
        pytest.param(" 0, 0\n", " 0, 1\n", ["ecc_uncorrected"], id="errors are exact"),
        pytest.param(" 61,", " [N/A],", ["temperature_celsius"], id="a value that nvidia-smi does not know"),
    ],
)
def test_a_value_beyond_its_tolerance_differs(old: str, new: str, expected: list[str]) -> None:
    assert differing(ROW.replace(old, new), READING) == expected


def test_a_gpu_that_the_agent_does_not_see_differs() -> None:
    assert len(list(compare([([], parse(ROW))]))) == len(COLUMNS) - 1
    assert all(not comparison.agrees for comparison in compare([([], parse(ROW))]))


def test_one_outlier_in_three_rounds_is_ignored() -> None:
    outlier = ROW.replace(" 87,", " 3,")
    rounds = [([READING], parse(row)) for row in (ROW, outlier, ROW)]
    assert all(comparison.agrees for comparison in compare(rounds))
