"""Asks a Prometheus server, and says how to reach one."""

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmtrain_cli.errors import BadInput, CommandError

VARIABLE, DEFAULT = "LLMTRAIN_PROMETHEUS", "http://127.0.0.1:9090"
ANSWER_SECONDS = 30.0
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
HOW = (
    f"name its address by --prometheus or the variable {VARIABLE}; one in a cluster is reached by "
    "`kubectl -n monitoring port-forward svc/prometheus 9090`"
)


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series of an answer; times are seconds since 1970."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The last point's value."""
        return self.points[-1][1]


@dataclass(frozen=True, kw_only=True)
class JobName:
    """A training job."""

    namespace: str
    name: str

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            if not NAME.fullmatch(value):
                raise BadInput(f"{field} {value!r} is no name of Kubernetes: lower case letters, digits, '-' and '.'")

    @property
    def labels(self) -> str:
        """Return the labels of this job's series."""
        return f'namespace="{self.namespace}", training_job="{self.name}"'

    def of(self, metric: str, more: str = "") -> str:
        """Return a metric of this job."""
        return f"{metric}{{{self.labels}{more}}}"


class Prometheus:
    """A server. Every question raises BadInput if it doesn't answer."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        if urllib.parse.urlsplit(self.url).scheme not in ("http", "https"):
            raise BadInput(f"--prometheus {url!r} is no address: it begins with http:// or https://")

    def query(self, expression: str) -> list[Series]:
        """Return what an expression is now; of a range, all its points."""
        return _series(self._ask("query", {"query": expression}))

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """Return what an expression was between two times, every `step` seconds."""
        asked = {"query": expression, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return _series(self._ask("query_range", asked))

    def _ask(self, endpoint: str, asked: Mapping[str, str]) -> Any:
        body = urllib.parse.urlencode(asked).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{endpoint}", body, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as refused:
            said = refused.read(500).decode(errors="replace")
            raise CommandError(f"Prometheus at {self.url} refuses: {said}") from refused
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"no Prometheus answers at {self.url} ({error}); {HOW}") from error


def default_url() -> str:
    """Return the server that is asked unless another is named."""
    return os.environ.get(VARIABLE) or DEFAULT


def _series(result: list[dict[str, Any]]) -> list[Series]:
    return [
        Series(
            labels=each["metric"],
            points=tuple((float(at), float(value)) for at, value in each.get("values") or [each["value"]]),
        )
        for each in result
    ]
