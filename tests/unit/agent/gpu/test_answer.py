import math

import pynvml as nvml
import pytest

from llmtrain_agent.gpu.query import GpuLost, NvmlQueries, scaled, valid_or_none


def failing(error: int) -> float:
    raise nvml.NVMLError(error)


@pytest.mark.parametrize(
    ("number", "expected", "why"),
    [
        (0, 0, "an idle GPU is known to be idle"),
        (85_520_809_984, 85_520_809_984, "memory is beyond 32 bits"),
        (None, None, "no answer"),
        (2**63 - 14, None, "DCGM's not supported"),
        (2**63 - 16, None, "DCGM's blank"),
        (2**64 - 1, None, "NVML's not available, 64 bits"),
        (2**32 - 1, None, "NVML's not available, 32 bits"),
        (2**31 - 14, None, "DCGM's not supported, 32 bits"),
        (math.nan, None, "a ratio of nothing to nothing"),
    ],
)
def test_numbers_that_stand_for_no_value_are_none(number: float | None, expected: float | None, why: str) -> None:
    assert valid_or_none(number) == expected, why


def test_what_is_unknown_stays_unknown_in_another_unit() -> None:
    assert scaled(None, 0.001) is None
    assert scaled(1500, 0.001) == 1.5


def test_a_question_that_is_not_supported_is_asked_once_and_the_next_way_is_used() -> None:
    asked = []

    def unsupported() -> float:
        asked.append("new")
        return failing(nvml.NVML_ERROR_FUNCTION_NOT_FOUND)

    questions = NvmlQueries()
    assert [questions.number("power", unsupported, lambda: 7.0) for _ in range(3)] == [7.0] * 3
    assert asked == ["new"]


def test_a_question_that_fails_for_now_is_asked_again() -> None:
    questions = NvmlQueries()
    assert questions.number("power", lambda: failing(nvml.NVML_ERROR_TIMEOUT)) is None
    assert questions.number("power", lambda: 7.0) == 7.0


@pytest.mark.parametrize("error", [nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED])
def test_a_lost_gpu_is_lost_whatever_was_asked(error: int) -> None:
    with pytest.raises(GpuLost):
        NvmlQueries().ask("power", lambda: failing(error))


def test_an_unknown_error_is_a_lost_gpu_only_of_a_vital_question() -> None:
    assert NvmlQueries().ask("power", lambda: failing(nvml.NVML_ERROR_UNKNOWN)) is None
    with pytest.raises(GpuLost):
        NvmlQueries().ask("memory", lambda: failing(nvml.NVML_ERROR_UNKNOWN), vital=True)
