"""The prepare stage: makes a dataset directory of the text, named by a hash of text and settings.

The text is read in pieces, so that memory does not grow with it, by several processes, which write what they have done beside
the dataset to be: a process that starts after another one was killed continues there. A job whose dataset exists reads no
text.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.atomic_directory import UNFINISHED
from llmtrain_trainer.data.assembly import TokenizedSource, assemble
from llmtrain_trainer.data.bad_text import display_name, refuse
from llmtrain_trainer.data.cut import find_cut
from llmtrain_trainer.data.dataset import (
    DatasetFile,
    prepared_root,
    problem_with,
    read_dataset_file,
    require_windows,
    token_type,
)
from llmtrain_trainer.data.processes import Processes, process_count
from llmtrain_trainer.data.progress import logged_phase
from llmtrain_trainer.data.report import DataReport, report_of
from llmtrain_trainer.data.sample import sample_training_text
from llmtrain_trainer.data.scan import DOCUMENT, UNIT_BYTES, ScanTask, UnitScan, plan_units, scan_unit
from llmtrain_trainer.data.shards import TokenizeTask, plan_shards, tokenize_shard
from llmtrain_trainer.data.source import Listing, no_text, read_source
from llmtrain_trainer.data.source_index import find_source, index_source, source_key
from llmtrain_trainer.data.split import Split, split_documents
from llmtrain_trainer.data.tokenizer import is_trained, save_trained, train_tokenizer
from llmtrain_trainer.data.written_files import atomic_file
from llmtrain_trainer.errors import BadInput, TrainerError
from llmtrain_trainer.models.config import config_for

FORMAT = 2
"""Part of the hash. Increment it when a change of this code changes the tokens of a text."""
FATES_FILE = "split"
MAX_LOGGED_FINDINGS = 100
MIN_BYTES_TO_SCAN, MIN_BYTES_TO_TOKENIZE = 2**26, 2**22
"""Text for which it is worth it to start processes."""
STALE_SECONDS = 86400
"""A directory of an unfinished dataset that is not changed for so long is removed."""


def prepare(run: RunConfig, log: JsonLog) -> TerminationMessage:
    """Create the job's dataset unless it exists, and describe it in the termination message.

    BadInput if the text is missing, too short, or bad where `data.onBadText` is Fail.
    """
    root = prepared_root(run.data_directory)
    listing = read_source(run.data.source, Path(run.data_directory))
    key = source_key(listing, _settings(run))
    found = find_source(root, key)
    if found is None:
        found = _Preparation(run, log, listing=listing, key=key, root=root).run()
    file, report = found
    info = report.describe(file.info)
    require_windows(info.tokens, info.held_out_tokens, _context_length(run))
    log.info(TrainerEvent.PREPARED, **info.model_dump(), files=report.files)
    message = f"{info.tokens} tokens to train on, {info.held_out_tokens} held out"
    if info.first_finding:
        message += (
            f"; {info.replaced_bytes} invalid bytes replaced, {info.left_out} files or lines left out, the first is "
            f"{info.first_finding}"
        )
    return TerminationMessage(reason="Completed", message=message, dataset=info)


def _settings(run: RunConfig) -> tuple[object, ...]:
    """Return what the contents of a dataset depend on beside the text, and how the text is read."""
    source = run.data.source
    return *_tokenizer_settings(run), run.data.columns.text, run.data.on_bad_text, source.bundled, source.path


def _tokenizer_settings(run: RunConfig) -> tuple[object, ...]:
    tokenizer = run.data.tokenizer
    return FORMAT, tokenizer.kind, tokenizer.vocab_size, tokenizer.sample_bytes, run.data.held_out_percent


def _context_length(run: RunConfig) -> int:
    return config_for(run.model, run.data.tokenizer.vocab_size).context_length


class _Preparation:
    """Makes one dataset. Its methods are the steps, in order."""

    def __init__(self, run: RunConfig, log: JsonLog, *, listing: Listing, key: str, root: Path) -> None:
        self._run, self._log, self._listing, self._key, self._root = run, log, listing, key, root
        self._workspace = root / f"{UNFINISHED}{key}"
        units = plan_units(listing.files)
        self._units = [listing.files[unit.start : unit.stop] for unit in units]
        self._count = process_count(run.threads_per_rank * run.ranks_per_worker)

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
        except (IndexError, UnicodeError):
            self._check_unchanged()  # else the documents are those that were scanned
            raise
        index_source(self._root, self._key, file, report)
        self._remove_workspaces()
        return file, report

    def _run_steps(self) -> tuple[DatasetFile, DataReport]:
        os.environ.setdefault("RAYON_NUM_THREADS", str(self._count))  # else a thread for each CPU of the node
        self._create_workspace()
        with Processes(self._count) as processes:
            scans = self._scan(processes)
            documents = self._documents(scans)
            split = split_documents(documents, self._run.data.held_out_percent)
            report = report_of(self._listing, scans, split)
            dataset = self._dataset_id(scans)
            self._log_source(report, dataset)
            file = self._existing(dataset)
            if file is None:
                file = self._create(processes, scans, documents, split, report, dataset)
            else:
                self._check_unchanged()
        return file, report

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

    def _scan(self, processes: Processes) -> list[UnitScan]:
        tasks = [
            ScanTask(
                number=number,
                files=files,
                column=self._run.data.columns.text,
                policy=self._run.data.on_bad_text,
                directory=self._workspace,
                shard_bytes=UNIT_BYTES,
            )
            for number, files in enumerate(self._units)
        ]
        if self._listing.left_out and self._run.data.on_bad_text == "Fail":
            raise refuse(self._listing.left_out[0])
        scans = []
        with logged_phase(self._log, "reading", self._listing.size) as phase:
            for task, scan in zip(
                tasks,
                processes.map(scan_unit, tasks, worth_it=self._listing.size >= MIN_BYTES_TO_SCAN),
                strict=True,
            ):
                scans.append(scan)
                phase.done += sum(file.size for file in task.files)
        if not any(scan.size for scan in scans):
            found = [*self._listing.left_out, *(bad for scan in scans for bad in scan.findings)]
            raise no_text(self._run.data.source, found)
        return scans

    def _documents(self, scans: Sequence[UnitScan]) -> NDArray[np.void]:
        """Return the records of all documents, memory-mapped."""
        path = self._workspace / "documents"
        with atomic_file(path) as joined:
            for number in range(len(scans)):
                with (self._workspace / f"scan-{number:05}.documents").open("rb") as records:
                    shutil.copyfileobj(records, joined)
        return np.memmap(path, dtype=DOCUMENT, mode="r")

    def _dataset_id(self, scans: Sequence[UnitScan]) -> str:
        digest = hashlib.blake2b(repr(_tokenizer_settings(self._run)).encode(), digest_size=10)
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
            replaced_bytes=report.replaced_bytes,
            left_out=report.left_out,
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

    def _create(
        self,
        processes: Processes,
        scans: Sequence[UnitScan],
        documents: NDArray[np.void],
        split: Split,
        report: DataReport,
        dataset: str,
    ) -> DatasetFile:
        fates_file = self._workspace / FATES_FILE
        with atomic_file(fates_file) as file:
            file.write(split.fates.tobytes())
        column = self._run.data.columns.text
        shards = plan_shards(self._units, scans, column=column, fates_file=fates_file)
        if split.cut_document is not None:
            cut = find_cut(shards, split, int(documents["size"][split.cut_document]))
            shards = plan_shards(self._units, scans, column=column, fates_file=fates_file, cut=cut)
        vocab_size, dtype = self._run.data.tokenizer.vocab_size, token_type(self._run.data.tokenizer.vocab_size)
        tasks = [TokenizeTask(shard=shard, directory=self._workspace, token_dtype=dtype) for shard in shards]
        self._train_tokenizer(tasks, split)
        results = []
        with logged_phase(self._log, "tokenizing", report.size) as phase:
            worth_it = report.size >= MIN_BYTES_TO_TOKENIZE
            for number, result in enumerate(processes.map(tokenize_shard, tasks, worth_it=worth_it), start=1):
                results.append(result)
                phase.done = report.size * number // len(tasks)
        source = TokenizedSource(tasks=tasks, results=results, vocab_size=vocab_size)
        tokens, held_out_tokens = source.tokens()
        require_windows(tokens, held_out_tokens, _context_length(self._run))
        self._check_unchanged()
        size = (tokens + held_out_tokens) * source.token_dtype.itemsize
        if (existing := self._existing(dataset)) is not None:
            return existing  # another job with this text was faster, and its workers may read it already
        directory = self._root / dataset
        with logged_phase(self._log, "writing", size) as phase:
            return assemble(
                source, dataset=dataset, directory=directory, replace=directory.exists(), report=report, phase=phase
            )

    def _train_tokenizer(self, tasks: Sequence[TokenizeTask], split: Split) -> None:
        if is_trained(self._workspace):
            return
        settings, started_at = self._run.data.tokenizer, time.monotonic()
        shards = [task.shard for task in tasks]
        size = min(split.training_size, settings.sample_bytes)
        with logged_phase(self._log, "trainingTokenizer", size):
            text = sample_training_text(shards, split.training_size, settings.sample_bytes)
            tokenizer = train_tokenizer(text, settings.vocab_size)
        save_trained(tokenizer, self._workspace)
        self._log.info(
            TrainerEvent.TOKENIZER_TRAINED,
            vocab_size=settings.vocab_size,
            bytes=size,
            seconds=round(time.monotonic() - started_at, 1),
        )

    def _check_unchanged(self) -> None:
        now = read_source(self._run.data.source, Path(self._run.data_directory))
        if source_key(now, _settings(self._run)) != self._key:
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
