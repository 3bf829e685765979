"""The making of a dataset from a source that none was made from before, in steps of which each is kept for the next try."""

import contextlib
import errno
import functools
import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.atomic_directory import UNFINISHED
from llmtrain_trainer.data.bad_text import display_name, refuse
from llmtrain_trainer.data.cut import find_cut
from llmtrain_trainer.data.dataset import DatasetFile, problem_with, read_dataset_file
from llmtrain_trainer.data.processes import WHOLE, Part, Processes, process_count
from llmtrain_trainer.data.progress import logged_phase
from llmtrain_trainer.data.report import DataReport, report_of
from llmtrain_trainer.data.scan import UNIT_BYTES, ScanTask, UnitScan, plan_units, scan_unit
from llmtrain_trainer.data.shape import SampleShape
from llmtrain_trainer.data.shards import TokenizedShard, TokenizeTask, plan_shards
from llmtrain_trainer.data.source import no_text
from llmtrain_trainer.data.source_index import find_source, index_source, source_key
from llmtrain_trainer.data.source_split import split_source
from llmtrain_trainer.data.split import Split
from llmtrain_trainer.data.tokenizer import is_trained, save_trained
from llmtrain_trainer.data.written_files import write_unless_there
from llmtrain_trainer.errors import BadInput, TrainerError
from llmtrain_trainer.stages.shapes import dataset_settings, source_settings
from llmtrain_trainer.stages.sources import SourceFiles, list_source
from llmtrain_trainer.stages.trained_tokenizer import tokenizer_of

FATES_FILE = "split"
MAX_LOGGED_FINDINGS = 100
MIN_BYTES_TO_SCAN, MIN_BYTES_TO_TOKENIZE = 2**26, 2**22
"""Text for which it is worth it to start processes."""
STALE_SECONDS = 86400
"""A directory of an unfinished dataset that is not changed for so long is removed."""


@dataclass(frozen=True, kw_only=True)
class ReadText:
    """The text as it was read: what is learned of it, and the dataset that it makes."""

    scans: Sequence[UnitScan]
    documents: NDArray[np.void]
    """The records of all documents, memory-mapped."""
    split: Split
    report: DataReport
    dataset: str
    """Id of the dataset."""


class Preparation:
    """Makes one dataset, with as many pods as work on it. Its methods are the steps, in order."""

    def __init__(
        self,
        run: RunConfig,
        log: JsonLog,
        *,
        shape: SampleShape,
        source: SourceFiles,
        key: str,
        root: Path,
        part: Part = WHOLE,
    ) -> None:
        self._run, self._log, self._shape, self._key, self._root = run, log, shape, key, root
        self._listing = source.listing
        self._workspace = root / f"{UNFINISHED}{key}"
        self._units = source.units(plan_units)
        self._processes = Processes(process_count(run.threads_per_rank * run.ranks_per_worker), part)

    def run(self) -> tuple[DatasetFile, DataReport]:
        """Return the dataset and the report of its source. What has been done is kept for the next try, if there is one."""
        try:
            file, report = self._run_steps()
        except BadInput:
            self._check_unchanged()  # half of a file that is being copied can be bad
            self._remove_workspaces()
            raise
        except FileNotFoundError:
            found = find_source(self._root, self._key)
            if found is None:
                raise
            self._remove_workspaces()
            return found  # another job with this text was faster, and removed the directory that both worked in
        except (LookupError, UnicodeError):
            self._check_unchanged()  # else the documents are those that were scanned
            raise
        index_source(self._root, self._key, file, report)
        self._remove_workspaces()
        return file, report

    def help(self) -> str:
        """Do what others have not done yet of what can be shared out; return what was done, in words."""
        try:
            with self._processes:
                text = self._read()
                if self._existing(text.dataset) is None:
                    self._tokenize(text)
        except (BadInput, LookupError, UnicodeError):
            self._check_unchanged()
            raise
        except OSError:  # of a directory that was removed, on any file system
            if find_source(self._root, self._key) is None:
                raise
        if find_source(self._root, self._key) is not None:
            self._remove_workspaces()  # the directory may exist again since the dataset was made
        return "the text is tokenized"

    def _run_steps(self) -> tuple[DatasetFile, DataReport]:
        with self._processes:
            text = self._read()
            self._log_source(text.report, text.dataset)
            file = self._existing(text.dataset)
            if file is None:
                file = self._create(text)
            else:
                self._check_unchanged()
        return file, text.report

    def _read(self) -> "ReadText":
        os.environ.setdefault("RAYON_NUM_THREADS", str(self._processes.count))  # else a thread for each CPU of the node
        self._create_workspace()
        scans = self._scan()
        held_out_documents, mixed = self._units.held_out_documents(scans), self._units.mixed_documents(scans)
        documents, split, near = split_source(
            self._shape,
            self._workspace,
            len(scans),
            held_out_documents=held_out_documents,
            duplicates=self._run.data.duplicates,
            mixed=mixed,
        )
        return ReadText(
            scans=scans,
            documents=documents,
            split=split,
            report=report_of(self._listing, scans, split, near, self._units.reports(scans, split)),
            dataset=self._dataset_id(scans, held_out_documents, mixed),
        )

    def _create_workspace(self) -> None:
        """Create the directory of this preparation. BadInput if this process may not write to the volume."""
        try:
            self._workspace.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            raise BadInput(
                f"spec.data.source.volume: '{self._run.data.source.volume}' can't be written: {error.strerror}; the tokenized text is "
                "written to .llmtrain at its root: let the user of the pods write there (spec.securityContext), or use another volume"
            ) from error

    def _scan(self) -> list[UnitScan]:
        tasks = [
            ScanTask(
                number=number,
                files=files,
                column=self._run.data.columns.text,
                policy=self._run.data.on_bad_text,
                records=self._shape.records,
                record_policy=self._run.data.on_bad_record,
                directory=self._workspace,
                shard_bytes=UNIT_BYTES,
                signs=self._run.data.duplicates == "DropNear",
            )
            for number, files in enumerate(self._units.files)
        ]
        if self._listing.left_out and self._run.data.on_bad_text == "Fail":
            raise refuse(self._listing.left_out[0])
        scans = []
        with logged_phase(self._log, "reading", self._listing.size) as phase:
            worth_it = self._listing.size >= MIN_BYTES_TO_SCAN
            for task, scan in zip(tasks, self._processes.map(scan_unit, tasks, worth_it=worth_it), strict=True):
                scans.append(scan)
                phase.done += sum(file.size for file in task.files)
        if not any(scan.size for scan in scans):
            found = [*self._listing.left_out, *(bad for scan in scans for bad in scan.findings)]
            raise no_text(self._run.data.source, found)
        return scans

    def _dataset_id(self, scans: Sequence[UnitScan], held_out_documents: int, mixed: tuple[int, ...]) -> str:
        settings = dataset_settings(self._run, self._shape)
        settings += (held_out_documents,) if held_out_documents else ()
        settings += ("mixture", self._units.names, mixed) if mixed else ()
        digest = hashlib.blake2b(repr(settings).encode(), digest_size=10)
        for scan in scans:
            digest.update(scan.digest.encode())
        return digest.hexdigest()

    def _log_source(self, report: DataReport, dataset: str) -> None:
        for bad in report.findings[:MAX_LOGGED_FINDINGS]:
            action = "replaced" if bad.replaced else "leftOut"
            self._log.warning(TrainerEvent.BAD_TEXT_FOUND, message=str(bad), action=action, bytes=bad.replaced or None)
        self._log.info(
            TrainerEvent.TEXT_READ,
            files=report.files,
            documents=report.documents,
            bytes=report.size,
            duplicates=report.duplicates,
            near_duplicates=report.near_duplicates,
            replaced_bytes=report.replaced_bytes,
            left_out=report.left_out,
            masked=report.masked or None,
            dataset=dataset,
        )

    def _existing(self, dataset: str) -> DatasetFile | None:
        directory = self._root / dataset
        file = read_dataset_file(directory)
        problem = problem_with(directory, file, digests=True) if file else "its description is missing"
        if problem is None or not directory.exists():
            return file
        self._log.warning(TrainerEvent.DATASET_REPLACED, dataset=dataset, message=problem)
        return None

    def _create(self, text: "ReadText") -> DatasetFile:
        samples = self._shape.samples(*self._tokenize(text))
        self._check_unchanged()
        if (existing := self._existing(text.dataset)) is not None:
            return existing  # another job with this text was faster, and its workers may read it already
        directory = self._root / text.dataset
        with logged_phase(self._log, "writing", samples.size) as phase:
            return samples.assemble(
                dataset=text.dataset,
                directory=directory,
                replace=directory.exists(),
                report=text.report,
                phase=phase,
            )

    def _tokenize(self, text: "ReadText") -> tuple[Sequence[TokenizeTask], list[TokenizedShard]]:
        fates_file = self._workspace / FATES_FILE
        write_unless_there(lambda: [text.split.fates.tobytes()], fates_file)  # other pods may have mapped it
        plan = functools.partial(
            plan_shards,
            self._units.files,
            text.scans,
            column=self._run.data.columns.text,
            fates_file=fates_file,
            records=self._shape.records,
            source_numbers=self._units.source_numbers,
        )
        shards = plan()
        if cuts := text.split.cuts:
            sizes = [int(text.documents["size"][cut.document]) for cut in cuts]
            shards = plan(cuts=tuple(find_cut(shards, cut, size) for cut, size in zip(cuts, sizes, strict=True)))
        tasks = self._shape.tasks(shards, self._workspace, text.scans)
        if self._shape.trains_tokenizer and not is_trained(self._workspace):
            tokenizer = tokenizer_of(self._run, self._shape, [task.shard for task in tasks], text.split, self._log)
            save_trained(tokenizer, self._workspace)
        results, size = [], text.report.size
        with logged_phase(self._log, "tokenizing", size) as phase:
            worth_it = size >= MIN_BYTES_TO_TOKENIZE
            for number, result in enumerate(
                self._processes.map(self._shape.tokenize, tasks, worth_it=worth_it), start=1
            ):
                results.append(result)
                phase.done = size * number // len(tasks)
        return tasks, results

    def _check_unchanged(self) -> None:
        now = list_source(self._run).listing
        if source_key(now, source_settings(self._run, self._shape)) != self._key:
            changed = (new or old for new, old in zip_longest(now, self._listing) if new != old)
            name = next((f"'{display_name(file.name)}'" for file in changed if file), "a link")
            raise TrainerError(f"the text changed while it was prepared, at {name}; it is read again")

    def _remove_workspaces(self) -> None:
        """Remove the directory of this preparation, and those that were abandoned."""
        shutil.rmtree(self._workspace, ignore_errors=True)
        for other in self._root.glob(f"{UNFINISHED}*"):
            with contextlib.suppress(FileNotFoundError):  # another process may remove its own
                if other.stat().st_mtime < time.time() - STALE_SECONDS:
                    shutil.rmtree(other, ignore_errors=True)
