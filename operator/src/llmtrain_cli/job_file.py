"""Reads a job file: which of its documents are jobs, and which of them is meant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmtrain_api.job import JobSpec
from llmtrain_api.names import CLUSTER_KIND, GROUP, JOB_KIND
from llmtrain_cli.errors import BadInput
from llmtrain_cli.job_validation import name_of, parse_spec, validation_errors
from llmtrain_cli.kubernetes_yaml import Document, InvalidYaml, read_documents


@dataclass(frozen=True, kw_only=True)
class Job:
    """A valid job."""

    name: str
    spec: JobSpec


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """What a file holds."""

    path: Path
    jobs: tuple[Document, ...]
    """The documents that are jobs, valid or not."""
    others: tuple[str, ...]
    """Kind and name of the other objects."""

    @property
    def names(self) -> list[str]:
        """Return the names of the jobs."""
        return [name_of(document.value) for document in self.jobs]


def read_job(path: Path, name: str = "") -> Job:
    """Return the job in a file, the one called `name` if there are several. BadInput with a line per error if invalid."""
    file = read_file(path)
    documents = [document for document in file.jobs if name in ("", name_of(document.value))]
    if not documents:
        raise BadInput(f"{path} holds no job {name}; it holds {', '.join(file.names)}.")
    if len(documents) > 1:
        remedy = "rename one of them" if name else "choose one with --job NAME"
        raise BadInput(f"{path} holds {len(documents)} jobs: {', '.join(file.names)}; {remedy}.")
    return _valid(path, documents)[0]


def read_jobs(path: Path) -> tuple[list[Job], tuple[str, ...]]:
    """Return all jobs in a file, and what else it holds. BadInput with a line per error if one job is not valid."""
    file = read_file(path)
    return _valid(path, file.jobs), file.others


def read_file(path: Path) -> JobFile:
    """Return what a file holds. BadInput if kubectl could not read it, or if it holds no job."""
    try:
        documents = [part for document in read_documents(path.read_bytes()) for part in _parts(document)]
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}; give the path of a job file.") from None
    except InvalidYaml as error:
        raise BadInput(f"{path} is not a valid job file: {error}.") from None
    are_jobs = [len(documents) == 1 or _is_job(document) for document in documents]
    if not any(are_jobs):
        raise BadInput(f"{path} holds {len(documents)} documents and no {JOB_KIND}; add one.")
    paired = list(zip(documents, are_jobs, strict=True))
    return JobFile(
        path=path,
        jobs=tuple(document for document, is_job in paired if is_job),
        others=tuple(f"{each.value.get('kind')} {name_of(each.value)}" for each, is_job in paired if not is_job),
    )


def _parts(document: Document) -> list[Document]:
    """Return the objects in a document: those of a List, as `kubectl get -o yaml` writes it, or the document itself."""
    items = document.value.get("items")
    if document.value.get("kind") != "List" or not isinstance(items, list):
        return [document]
    return [replace(document, value=item, written={}) for item in items if isinstance(item, dict)]


def _is_job(document: Document) -> bool:
    """Return whether a document is a job, or is meant to be one: another kind of the same API does not exist."""
    kind, version = document.value.get("kind"), document.value.get("apiVersion")
    in_group = isinstance(version, str) and version.startswith(f"{GROUP}/")
    return kind == JOB_KIND or (in_group and kind != CLUSTER_KIND)


def _valid(path: Path, documents: Sequence[Document]) -> list[Job]:
    """Return documents as jobs. BadInput with one line per error if one is not valid."""
    errors = []
    for document in documents:
        place = f"job {name_of(document.value)} in line {document.line}: " if len(documents) > 1 else ""
        errors += [f"  {place}{error}" for error in validation_errors(document.value, document.written)]
    if errors:
        raise BadInput(f"{path} is not valid:\n" + "\n".join(errors))
    return [Job(name=name_of(document.value), spec=parse_spec(document.value["spec"])) for document in documents]
