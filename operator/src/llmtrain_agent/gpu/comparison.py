"""What nvidia-smi says beside what the agent says, and how far apart the two may be."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from llmtrain_agent.gpu.reading import GpuReading

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value both tell: nvidia-smi's column and unit, the agent's, and the greater of two tolerances."""

    name: str
    column: str
    unit: float
    agent: Callable[[GpuReading], float | None]
    absolute: float = 0.0
    """In base units."""
    relative: float = 0.0
    """Of what nvidia-smi says."""


VALUES = (
    # Both are means over the last sixth of a second to second, asked for a moment apart.
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
"""One GPU's values in base units, by the agent's names; those that nvidia-smi doesn't tell are missing."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One value of one GPU, the median of several rounds on either side."""

    gpu: str
    name: str
    agent: float | None
    smi: float | None
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Tell whether both say the same, or neither says anything."""
        if self.agent is None or self.smi is None:
            return self.agent is self.smi
        return abs(self.agent - self.smi) <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok" if self.agrees else "DIFFERS"
        agent, smi = ("unknown" if side is None else f"{side:.6g}" for side in (self.agent, self.smi))
        return f"gpu {self.gpu} {self.name} agent={agent} nvidia-smi={smi} tolerance={self.tolerance:.6g} {verdict}"


def parse(table: str) -> dict[str, Row]:
    """Read nvidia-smi's csv (noheader, nounits) of COLUMNS, by UUID. "[N/A]" and the like are no numbers."""
    rows: dict[str, Row] = {}
    for cells in csv.reader(table.splitlines(), skipinitialspace=True):
        uuid, *texts = cells
        numbers = ((value, _number(text)) for value, text in zip(VALUES, texts, strict=True))
        rows[uuid] = {value.name: number * value.unit for value, number in numbers if number is not None}
    return rows


def compare(rounds: Iterable[tuple[Iterable[GpuReading], Mapping[str, Row]]]) -> Iterator[Comparison]:
    """Yield each value of each GPU that nvidia-smi lists. Medians, as no two looks are at the same moment."""
    pairs: dict[str, list[tuple[GpuReading | None, Row]]] = {}
    for readings, rows in rounds:
        by_uuid = {reading.uuid: reading for reading in readings}
        for uuid, row in rows.items():
            pairs.setdefault(uuid, []).append((by_uuid.get(uuid), row))
    for uuid, looks in pairs.items():
        gpu = next((reading.index for reading, _ in looks if reading), uuid)
        for value in VALUES:
            agent = _median(value.agent(reading) if reading else None for reading, _ in looks)
            smi = _median(row.get(value.name) for _, row in looks)
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
