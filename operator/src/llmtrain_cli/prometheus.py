"""A client of Prometheus' query API, and the expressions that select one job's series."""

import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmtrain_api.metrics.metric import Metric
from llmtrain_cli.errors import BadInput, CommandError
from llmtrain_cli.server_url import parse_server_url, redact_credentials

VARIABLE, DEFAULT = "LLMTRAIN_PROMETHEUS", "http://127.0.0.1:9090"
TOKEN_VARIABLE = "LLMTRAIN_PROMETHEUS_TOKEN"
TIMEOUT_SECONDS = 30.0
MIN_RATE_WINDOW_SECONDS = 150
"""Shortest window of a rate(): holds two scrapes at a scrape interval of one minute."""
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
ADDRESS_HINT = (
    f"set --prometheus or {VARIABLE} to the server's URL; forward the port of one inside a cluster with "
    "`kubectl -n monitoring port-forward svc/prometheus 9090`"
)
LOGIN_HINT = f"set {VARIABLE} to http://user:password@host, or {TOKEN_VARIABLE} to a bearer token"


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series of an answer."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
    """Times, in seconds since 1970, with their values."""

    @property
    def value(self) -> float:
        """Return the last point's value."""
        return self.points[-1][1]


def sorted_by_label(series: Iterable[Series], label: str) -> list[Series]:
    """Return series in the natural order of a label: worker-2 before worker-10, and GPU instance 0:2 before 0:10."""
    return sorted(series, key=lambda each: _natural_key(each.labels[label]))


def _natural_key(name: str) -> list[tuple[int, str]]:
    return [(int(run), "") if run.isdigit() else (0, run) for run in re.split(r"(\d+)", name)]


@dataclass(frozen=True, kw_only=True)
class JobName:
    """Namespace and name of a training job. BadInput if either is not a valid Kubernetes name."""

    namespace: str
    name: str

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            if not NAME.fullmatch(value):
                raise BadInput(
                    f"{field} {value!r} is not a valid Kubernetes name: use lower-case letters, digits, '-' and '.'"
                )

    @property
    def labels(self) -> str:
        """Return the label matchers of this job's series."""
        return f'namespace="{self.namespace}", training_job="{self.name}"'

    def selector(self, metric: Metric, more: str = "") -> str:
        """Return the selector of a metric of this job: one series for each pod that exported it."""
        return f"{metric.name}{{{self.labels}{more}}}"

    def expr(self, metric: Metric) -> str:
        """Return a metric of this job from any instance: a coordinator in another pod is another instance."""
        return f"max by ({', '.join(metric.labels)}) ({self.selector(metric)})"

    def rate(self, metric: Metric, by: str, seconds: float = MIN_RATE_WINDOW_SECONDS, more: str = "") -> str:
        """Return the per-second rate of a counter of this job from any instance, over a window of `seconds`."""
        return f"max by ({by}) (rate({self.selector(metric, more)}[{round(seconds)}s]))"


class Prometheus:
    """A Prometheus server.

    Queries raise BadInput if no Prometheus answers at the URL or it requires a login, CommandError if it rejects them.
    """

    def __init__(self, url: str) -> None:
        try:
            server = parse_server_url(url)
        except ValueError as error:
            raise BadInput(f"--prometheus {redact_credentials(url)!r} is not a valid URL: {error}") from None
        self.url = server.url
        self._authorization = server.authorization or _bearer_token()

    def query(self, expr: str, at: float | None = None) -> list[Series]:
        """Return the value of an expression at a time, now by default; a range selector returns all its points."""
        return self._request("query", {"query": expr} | ({} if at is None else {"time": f"{at:.3f}"}))

    def query_range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """Return the values of an expression between two times, every `step` seconds."""
        parameters = {"query": expr, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return self._request("query_range", parameters)

    def _request(self, endpoint: str, parameters: Mapping[str, str]) -> list[Series]:
        request = urllib.request.Request(f"{self.url}/api/v1/{endpoint}", urllib.parse.urlencode(parameters).encode())
        if self._authorization:
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                text = response.read()
        except urllib.error.HTTPError as response:
            raise _rejection(self.url, response) from response
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = _printable(str(getattr(error, "reason", error))) or type(error).__name__
            raise BadInput(f"no Prometheus answers at {self.url} ({reason}); {ADDRESS_HINT}") from error
        try:
            return _series(json.loads(text)["data"]["result"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise BadInput(f"the server at {self.url} is not Prometheus; {ADDRESS_HINT}") from error


def default_url() -> str:
    """Return the URL of the server that is queried unless --prometheus names one."""
    return os.environ.get(VARIABLE) or DEFAULT


def _bearer_token() -> str | None:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not (token.isascii() and token.isprintable()):
        raise BadInput(f"{TOKEN_VARIABLE} is not a valid bearer token: use one line of printable ASCII")
    return f"Bearer {token}" if token else None


def _rejection(url: str, response: urllib.error.HTTPError) -> CommandError:
    """Return an error with Prometheus' own message, or with the HTTP status of a proxy in front of it."""
    try:
        reason = _printable(str(json.loads(response.read())["error"]))
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        reason = f"{response.code} {response.reason}"
    if response.code in (401, 403):
        return BadInput(f"Prometheus at {url} rejected the query: {reason}; {LOGIN_HINT}")
    return CommandError(f"Prometheus at {url} rejected the query: {reason}")


def _printable(text: str) -> str:
    """Return a server's message as one line without terminal control characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _series(result: list[dict[str, Any]]) -> list[Series]:
    return [
        Series(
            labels=each["metric"],
            points=tuple((float(at), float(value)) for at, value in each.get("values") or [each["value"]]),
        )
        for each in result
    ]
