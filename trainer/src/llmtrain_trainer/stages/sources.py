"""The files of a job: those that are held out as records of their own, and those of its source, or of each that is mixed."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmtrain_api.data import Source
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.bad_text import display_name
from llmtrain_trainer.data.formats import pair_names
from llmtrain_trainer.data.labels import LABEL_KINDS
from llmtrain_trainer.data.report import SourceReport
from llmtrain_trainer.data.scan import UnitScan
from llmtrain_trainer.data.source import Listing, TextFile, read_source
from llmtrain_trainer.data.split import Split
from llmtrain_trainer.errors import BadInput

MAX_NAMES = 20
"""Files and directories that an error lists."""
HELD_OUT = -1
"""In place of the number of a source: the units that are held out by name."""


@dataclass(frozen=True, kw_only=True)
class Units:
    """The files of a job in the units that are scanned, those that are held out by name first, and then source by source."""

    files: Sequence[Sequence[TextFile]]
    source_numbers: Sequence[int]
    """The source that each unit is a part of, or `HELD_OUT`."""
    names: tuple[str, ...]
    """The sources of a mixture; none without it."""

    def held_out_documents(self, scans: Sequence[UnitScan]) -> int:
        """Return how many documents are held out by name."""
        return self._documents(scans, HELD_OUT)

    def mixed_documents(self, scans: Sequence[UnitScan]) -> tuple[int, ...]:
        """Return the number of documents of each source of a mixture; none without it."""
        return tuple(self._documents(scans, number) for number in range(len(self.names)))

    def reports(self, scans: Sequence[UnitScan], split: Split) -> list[SourceReport]:
        """Return what was found in each source of a mixture."""
        reports, first = [], self.held_out_documents(scans)
        for number, (name, documents) in enumerate(zip(self.names, self.mixed_documents(scans), strict=True)):
            files = [files for files, source in zip(self.files, self.source_numbers, strict=True) if source == number]
            size = sum(scan.size for scan in self._of(scans, number))
            used = split.fates[first : first + documents]
            reports.append(SourceReport.of(name, files=sum(map(len, files)), size=size, fates=used))
            first += documents
        return reports

    def _documents(self, scans: Sequence[UnitScan], source: int) -> int:
        return sum(scan.documents for scan in self._of(scans, source))

    def _of(self, scans: Sequence[UnitScan], source: int) -> list[UnitScan]:
        return [scan for scan, number in zip(scans, self.source_numbers, strict=True) if number == source]


@dataclass(frozen=True, kw_only=True)
class SourceFiles:
    """The files of a job, held-out ones first, so that the copy of a text that is kept is held out."""

    held_out: Listing
    sources: Mapping[str, Listing]
    """By name if they are mixed; else one without a name."""

    @property
    def listing(self) -> Listing:
        """All files."""
        parts = (self.held_out, *self.sources.values())
        return Listing(
            files=[file for part in parts for file in part], left_out=[bad for part in parts for bad in part.left_out]
        )

    def units(self, plan: Callable[[Sequence[TextFile]], list[range]]) -> Units:
        """Return the units that `plan` makes of each part."""
        files, numbers = list[Sequence[TextFile]](), list[int]()
        for number, part in enumerate((self.held_out, *self.sources.values()), start=HELD_OUT):
            planned = [part.files[unit.start : unit.stop] for unit in plan(part.files)]
            files += planned
            numbers += [number] * len(planned)
        return Units(files=files, source_numbers=numbers, names=tuple(name for name in self.sources if name))


def list_source(run: RunConfig) -> SourceFiles:
    """Return the files of the job. BadInput if a path does not exist, may not be read, or holds no files."""
    volume, source = Path(run.data_directory), run.data.source
    held_out, pair = Listing(files=[], left_out=[]), _pair(run)
    if run.data.held_out is not None:
        try:
            held_out = read_source(Source(volume=source.volume, path=run.data.held_out.path), volume, pair)
        except BadInput as error:
            raise BadInput(str(error).replace("spec.data.source.path", "spec.data.heldOut.path")) from error
    if not run.data.weights:
        return SourceFiles(held_out=held_out, sources={"": read_source(source, volume, pair)})
    return SourceFiles(
        held_out=held_out, sources={name: _mixed(source, name, volume, pair) for name in run.data.weights}
    )


def _mixed(source: Source, name: str, volume: Path, pair: tuple[str, ...]) -> Listing:
    """Return the files of a source of a mixture. They are named from the directory of `data.source.path`, as findings show them."""
    path, below = volume / (source.path or ""), source.model_copy(update={"path": f"{source.path}/{name}"})
    if not os.path.lexists(path / name):
        raise BadInput(
            f"spec.data.mixture: '{name}' is not in '{source.path}' on volume '{source.volume}', {_contents(path)}; correct the "
            "key, or put UTF-8 files there"
        )
    try:
        listing = read_source(below, volume, pair)
    except BadInput as error:
        raise BadInput(str(error).replace("spec.data.source.path", "spec.data.mixture")) from error
    folder = name if os.path.isdir(path / name) else os.path.dirname(name)
    if not folder:
        return listing
    files = [replace(file, root=str(path), name=f"{folder}/{file.name}", folder=folder) for file in listing]
    left_out = [bad.model_copy(update={"file": display_name(f"{folder}/{bad.file}")}) for bad in listing.left_out]
    return Listing(files=files, left_out=left_out)


def _contents(path: Path) -> str:
    """Return what is in a directory, in words."""
    try:
        names = sorted(entry.name for entry in os.scandir(path) if not entry.name.startswith("."))
    except OSError as error:
        return f"which can't be read: {error.strerror}"
    shown = ", ".join(display_name(name) for name in names[:MAX_NAMES])
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"which has {shown}{more}" if names else "which is empty"


def _pair(run: RunConfig) -> tuple[str, ...]:
    """Return the names of the files that are read together; none if no files are."""
    columns, kind = run.data.columns, LABEL_KINDS.get(run.task.name)
    return pair_names(run.data.format, kind, columns.text, columns.label) if kind else ()
