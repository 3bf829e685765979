"""An answer of NVML is one of four cases: a value, unsupported, not available now, or a lost GPU."""

import math
from types import SimpleNamespace
from unittest.mock import patch

import pynvml as nvml
import pytest

from llmtrain_agent.gpu.query import GpuLost, NvmlQueries, scaled, valid_or_none


def fail(error: int) -> float:
    raise nvml.NVMLError(error)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(0, 0, id="an idle GPU's 0 is a value"),
        pytest.param(85_520_809_984, 85_520_809_984, id="memory exceeds 32 bits"),
        pytest.param(None, None, id="no answer"),
        pytest.param(2**63 - 14, None, id="DCGM's not supported"),
        pytest.param(2**63 - 16, None, id="DCGM's blank"),
        pytest.param(2**64 - 1, None, id="NVML's not available, 64 bits"),
        pytest.param(2**32 - 1, None, id="NVML's not available, 32 bits"),
        pytest.param(2**31 - 14, None, id="DCGM's not supported, 32 bits"),
        pytest.param(math.nan, None, id="a ratio of 0 to 0"),
    ],
)
def test_sentinels_for_no_value_are_none(number: float | None, expected: float | None) -> None:
    assert valid_or_none(number) == expected


def test_an_unknown_value_stays_unknown_in_another_unit() -> None:
    assert scaled(None, 0.001) is None
    assert scaled(1500, 0.001) == 1.5


def test_an_unsupported_function_is_called_once_and_the_next_one_is_used() -> None:
    calls = []

    def unsupported() -> float:
        calls.append("new")
        return fail(nvml.NVML_ERROR_FUNCTION_NOT_FOUND)

    queries = NvmlQueries()
    assert [queries.number("power", unsupported, lambda: 7.0) for _ in range(3)] == [7.0] * 3
    assert calls == ["new"]


def test_a_query_that_fails_temporarily_is_repeated() -> None:
    queries = NvmlQueries()
    assert queries.number("power", lambda: fail(nvml.NVML_ERROR_TIMEOUT)) is None
    assert queries.number("power", lambda: 7.0) == 7.0


@pytest.mark.parametrize("error", [nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED])
def test_any_query_can_find_that_the_gpu_is_lost(error: int) -> None:
    with pytest.raises(GpuLost):
        NvmlQueries().query("power", lambda: fail(error))


def test_an_unknown_error_means_a_lost_gpu_only_for_a_vital_query() -> None:
    assert NvmlQueries().query("power", lambda: fail(nvml.NVML_ERROR_UNKNOWN)) is None
    with pytest.raises(GpuLost):
        NvmlQueries().query("memory", lambda: fail(nvml.NVML_ERROR_UNKNOWN), vital=True)


def test_unknown_memory_is_none() -> None:
    with patch.object(nvml, "nvmlDeviceGetMemoryInfo", lambda *_: SimpleNamespace(used=2**64 - 1, total=100)):
        assert NvmlQueries().memory("memory", object()) == (None, 100)
    with patch.object(nvml, "nvmlDeviceGetMemoryInfo", lambda *_: fail(nvml.NVML_ERROR_NOT_SUPPORTED)):
        assert NvmlQueries().memory("memory", object()) == (None, None)
