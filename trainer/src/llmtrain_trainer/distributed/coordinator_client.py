"""The HTTP client of the coordinator: JSON over one persistent connection. See `llmtrain_api.protocol`."""

import contextlib
import http.client
import json
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from llmtrain_api.job_token import authorization, read_token
from llmtrain_api.model import Model
from llmtrain_api.protocol import (
    JOB_HEADER,
    JOIN_LONG_POLL_SECONDS,
    CurrentGeneration,
    Heartbeat,
    Join,
    JoinAnswer,
    Leave,
    Progress,
)
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import BadInput, CoordinatorUnavailable, StopRequested, TrainerError

CONNECT_TIMEOUT_SECONDS = 3.0
"""How long a connection can take. Packets to a coordinator on a node that has failed are lost; the next one is elsewhere."""
RESPONSE_TIMEOUT_SECONDS = 5.0
"""How long the coordinator can take to respond, in addition to the time of a long poll."""
_JOIN_ANSWER: TypeAdapter[JoinAnswer] = TypeAdapter(JoinAnswer)
Response = TypeVar("Response", bound=Model)


class CoordinatorClient:
    """One connection to the coordinator, for one thread.

    Every request can raise CoordinatorUnavailable (repeat it), BadInput (the coordinator rejects it) or StopRequested
    (the job does not need this process any more).
    """

    def __init__(self, address: str, uid: str, token: str) -> None:
        self._address = address
        self._headers = {JOB_HEADER: uid, "Content-Type": "application/json", **authorization(token)}
        self._connection: http.client.HTTPConnection | None = None

    @classmethod
    def of(cls, run: RunConfig) -> "CoordinatorClient":
        """Return a client for the coordinator of a job. Without a token, the coordinator refuses its requests."""
        return cls(run.coordinator, run.uid, job_token_of(run))

    def join(self, join: Join) -> JoinAnswer:
        """Join the next generation. Returns when it is complete, or with JoinPending after JOIN_LONG_POLL_SECONDS."""
        answer = self._post("/v1/join", join, JOIN_LONG_POLL_SECONDS + RESPONSE_TIMEOUT_SECONDS)
        try:
            return _JOIN_ANSWER.validate_json(answer)
        except ValidationError as error:
            raise CoordinatorUnavailable("the coordinator's response to a join is not valid") from error

    def heartbeat(self, heartbeat: Heartbeat) -> CurrentGeneration:
        """Renew the lease of this member; return the current generation."""
        return _parse(CurrentGeneration, self._post("/v1/heartbeat", heartbeat, RESPONSE_TIMEOUT_SECONDS))

    def progress(self, progress: Progress) -> CurrentGeneration:
        """Report the progress of the training."""
        return _parse(CurrentGeneration, self._post("/v1/progress", progress, RESPONSE_TIMEOUT_SECONDS))

    def leave(self, leave: Leave) -> CurrentGeneration:
        """Report that a member leaves its generation."""
        return _parse(CurrentGeneration, self._post("/v1/leave", leave, RESPONSE_TIMEOUT_SECONDS))

    def leave_best_effort(self, leave: Leave) -> None:
        """Report that a member leaves, on a new connection, and ignore errors: otherwise its lease expires."""
        self.close()
        with contextlib.suppress(TrainerError):
            self.leave(leave)
        self.close()

    def close(self) -> None:
        """Close the connection. The next request opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, path: str, request: Model, seconds: float) -> bytes:
        body = request.model_dump_json(by_alias=True, exclude_none=True)
        try:
            status, answer = self._exchange(path, body, seconds)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise CoordinatorUnavailable(f"coordinator {self._address} doesn't answer: {error}") from error
        if status == 200:
            return answer
        reason = _error_message(answer) or f"status {status}"
        if status == 410:
            raise StopRequested(reason)
        if status in (403, 409):
            raise BadInput(f"coordinator {self._address} rejects the request: {reason}")
        raise CoordinatorUnavailable(f"coordinator {self._address} can't process the request now: {reason}")

    def _exchange(self, path: str, body: str, seconds: float) -> tuple[int, bytes]:
        """Send one request, and repeat it on a new connection if the open one has been closed by the coordinator."""
        reused = self._connection is not None
        try:
            return self._send(path, body, seconds)
        except (ConnectionError, http.client.HTTPException):
            self.close()
            if not reused:
                raise
            return self._send(path, body, seconds)

    def _send(self, path: str, body: str, seconds: float) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address, timeout=CONNECT_TIMEOUT_SECONDS)
        if self._connection.sock is None:
            self._connection.connect()
        self._connection.sock.settimeout(seconds)
        self._connection.request("POST", path, body, self._headers)
        response = self._connection.getresponse()
        return response.status, response.read()


def job_token_of(run: RunConfig) -> str:
    """Return the token of the job; empty if there is none, as in pods that an earlier operator has created."""
    with contextlib.suppress(ValueError):
        return read_token(Path(run.token_file))
    return ""


def _parse(kind: type[Response], answer: bytes) -> Response:
    try:
        return kind.model_validate_json(answer)
    except ValidationError as error:
        raise CoordinatorUnavailable(f"the coordinator's response is not a valid {kind.__name__}") from error


def _error_message(answer: bytes) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(answer).get("error", ""))
    return ""
