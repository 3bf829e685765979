"""Asks a Prometheus server, and says how to reach one."""

import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmtrain_api.metrics.metric import Metric
from llmtrain_cli.errors import BadInput, CommandError
from llmtrain_cli.server_url import read_address, redact_credentials

VARIABLE, DEFAULT = "LLMTRAIN_PROMETHEUS", "http://127.0.0.1:9090"
TOKEN_VARIABLE = "LLMTRAIN_PROMETHEUS_TOKEN"
ANSWER_SECONDS = 30.0
RATE_SECONDS = 150
"""Over which speeds are taken at least: two scrapes lie in it also where there is one a minute."""
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
HOW = (
    f"name its address by --prometheus or the variable {VARIABLE}; one in a cluster is reached by "
    "`kubectl -n monitoring port-forward svc/prometheus 9090`"
)
HOW_TO_LOG_IN = f"put a login into {VARIABLE} as http://user:password@host, or a token into {TOKEN_VARIABLE}"


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

    def selector(self, metric: Metric, more: str = "") -> str:
        """Return a metric of this job as it was scraped: a series for each pod that told of it."""
        return f"{metric.name}{{{self.labels}{more}}}"

    def expr(self, metric: Metric) -> str:
        """Return a metric of this job, whoever tells of it: in another pod a coordinator is another instance."""
        return f"max by ({', '.join(metric.labels)}) ({self.selector(metric)})"

    def rate(self, metric: Metric, by: str, seconds: float = RATE_SECONDS, more: str = "") -> str:
        """Return how fast a counter grows, whoever tells of it."""
        return f"max by ({by}) (rate({self.selector(metric, more)}[{round(seconds)}s]))"


class Prometheus:
    """A server. A question raises BadInput if no Prometheus answers or it asks for a login, CommandError if it refuses."""

    def __init__(self, text: str) -> None:
        try:
            address = read_address(text)
        except ValueError as error:
            raise BadInput(f"--prometheus {redact_credentials(text)!r} is no address: {error}") from None
        self.url = address.url
        self._login = address.login or _token()

    def query(self, expression: str, at: float | None = None) -> list[Series]:
        """Return what an expression is at a time, now unless one is given; of a range, all its points."""
        return self._ask("query", {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"}))

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """Return what an expression was between two times, every `step` seconds."""
        asked = {"query": expression, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return self._ask("query_range", asked)

    def _ask(self, endpoint: str, asked: Mapping[str, str]) -> list[Series]:
        request = urllib.request.Request(f"{self.url}/api/v1/{endpoint}", urllib.parse.urlencode(asked).encode())
        if self._login:
            request.add_unredirected_header("Authorization", self._login)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refused:
            raise _refusal(self.url, refused) from refused
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = _printable(str(getattr(error, "reason", error))) or type(error).__name__
            raise BadInput(f"no Prometheus answers at {self.url} ({why}); {HOW}") from error
        try:
            return _series(json.loads(text)["data"]["result"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise BadInput(f"what answers at {self.url} is no Prometheus; {HOW}") from error


def default_url() -> str:
    """Return the server that is asked unless another is named."""
    return os.environ.get(VARIABLE) or DEFAULT


def _token() -> str | None:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not (token.isascii() and token.isprintable()):
        raise BadInput(f"{TOKEN_VARIABLE} holds what no header may: it is one line of letters, digits and signs")
    return f"Bearer {token}" if token else None


def _refusal(url: str, refused: urllib.error.HTTPError) -> CommandError:
    """Return an error with Prometheus' own words, or the status that a proxy before it answers."""
    try:
        why = _printable(str(json.loads(refused.read())["error"]))
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        why = f"{refused.code} {refused.reason}"
    if refused.code in (401, 403):
        return BadInput(f"Prometheus at {url} refuses: {why}; {HOW_TO_LOG_IN}")
    return CommandError(f"Prometheus at {url} refuses: {why}")


def _printable(text: str) -> str:
    """Return a server's words as one line that doesn't steer the terminal."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _series(result: list[dict[str, Any]]) -> list[Series]:
    return [
        Series(
            labels=each["metric"],
            points=tuple((float(at), float(value)) for at, value in each.get("values") or [each["value"]]),
        )
        for each in result
    ]
