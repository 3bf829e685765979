"""Compares the agent's readings with nvidia-smi's values, within a tolerance for each."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from llmtrain_agent.gpu.reading import GpuReading

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value that both report. The greater one of the two tolerances applies."""

    name: str
    column: str
    """nvidia-smi's name of it."""
    unit: float
    """nvidia-smi's unit in base units."""
    agent: Callable[[GpuReading], float | None]
    absolute: float = 0.0
    """In base units."""
    relative: float = 0.0
    """As a fraction of nvidia-smi's value."""


VALUES = (
    # Both are means over the last sixth of a second to second, queried at slightly different times.
    Value(
        name="utilization_ratio",
        column="utilization.gpu",
        unit=0.01,
        absolute=0.15,
        agent=lambda reading: reading.utilization_ratio,
    ),
    Value(
        name="memory_active_ratio",
        column="utilization.memory",
        unit=0.01,
        absolute=0.15,
        agent=lambda reading: reading.memory_active_ratio,
    ),
    Value(
        name="memory_used_bytes",
        column="memory.used",
        unit=MIB,
        absolute=64 * MIB,
        relative=0.02,
        agent=lambda reading: reading.memory_used_bytes,
    ),
    Value(
        name="memory_size_bytes",
        column="memory.total",
        unit=MIB,
        absolute=MIB,
        agent=lambda reading: reading.memory_size_bytes,
    ),
    Value(
        name="temperature_celsius",
        column="temperature.gpu",
        unit=1,
        absolute=3,
        agent=lambda reading: reading.temperature_celsius,
    ),
    Value(
        name="power_watts",
        column="power.draw",
        unit=1,
        absolute=10,
        relative=0.15,
        agent=lambda reading: reading.power_watts,
    ),
    Value(
        name="power_limit_watts",
        column="enforced.power.limit",
        unit=1,
        absolute=1,
        agent=lambda reading: reading.power_limit_watts,
    ),
    Value(
        name="clock_sm_hertz",
        column="clocks.sm",
        unit=1e6,
        absolute=30e6,
        relative=0.05,
        agent=lambda reading: reading.clock_hertz.get("sm"),
    ),
    Value(
        name="clock_memory_hertz",
        column="clocks.mem",
        unit=1e6,
        absolute=30e6,
        agent=lambda reading: reading.clock_hertz.get("memory"),
    ),
    Value(
        name="ecc_corrected",
        column="ecc.errors.corrected.volatile.total",
        unit=1,
        agent=lambda reading: reading.ecc_errors.get("corrected"),
    ),
    Value(
        name="ecc_uncorrected",
        column="ecc.errors.uncorrected.volatile.total",
        unit=1,
        agent=lambda reading: reading.ecc_errors.get("uncorrected"),
    ),
)
COLUMNS = ("uuid", *(value.column for value in VALUES))
Row = Mapping[str, float]
"""One GPU's values in base units, keyed by the agent's names; unreported ones are absent."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One value of one GPU: the median of several rounds on both sides."""

    gpu: str
    name: str
    agent: float | None
    smi: float | None
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Return whether both values are within the tolerance, or neither is known."""
        if self.agent is None or self.smi is None:
            return self.agent is self.smi
        return abs(self.agent - self.smi) <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok" if self.agrees else "DIFFERS"
        agent, smi = ("unknown" if side is None else f"{side:.6g}" for side in (self.agent, self.smi))
        return f"gpu {self.gpu} {self.name} agent={agent} nvidia-smi={smi} tolerance={self.tolerance:.6g} {verdict}"


def parse(table: str) -> dict[str, Row]:
    """Return the rows of nvidia-smi's CSV output of COLUMNS (noheader, nounits) by UUID, without values like "[N/A]"."""
    rows: dict[str, Row] = {}
    for cells in csv.reader(table.splitlines(), skipinitialspace=True):
        uuid, *texts = cells
        numbers = ((value, _number(text)) for value, text in zip(VALUES, texts, strict=True))
        rows[uuid] = {value.name: number * value.unit for value, number in numbers if number is not None}
    return rows


def compare(rounds: Iterable[tuple[Iterable[GpuReading], Mapping[str, Row]]]) -> Iterator[Comparison]:
    """Yield each value of each GPU that nvidia-smi lists.

    Medians of the rounds are compared, because both sides are never read at exactly the same time.
    """
    by_gpu: dict[str, list[tuple[GpuReading | None, Row]]] = {}
    for readings, rows in rounds:
        by_uuid = {reading.uuid: reading for reading in readings}
        for uuid, row in rows.items():
            by_gpu.setdefault(uuid, []).append((by_uuid.get(uuid), row))
    for uuid, pairs_of_gpu in by_gpu.items():
        gpu = next((reading.index for reading, _ in pairs_of_gpu if reading), uuid)
        for value in VALUES:
            agent = _median(value.agent(reading) if reading else None for reading, _ in pairs_of_gpu)
            smi = _median(row.get(value.name) for _, row in pairs_of_gpu)
            tolerance = max(value.absolute, value.relative * (smi or 0.0))
            yield Comparison(gpu=gpu, name=value.name, agent=agent, smi=smi, tolerance=tolerance)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _median(values: Iterable[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return median(numbers) if numbers else None
