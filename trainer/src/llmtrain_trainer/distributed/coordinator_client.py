"""What is asked of the coordinator: JSON over one kept HTTP connection. See `llmtrain_api.protocol`."""

import contextlib
import http.client
import json
from typing import TypeVar

from pydantic import ValidationError

from llmtrain_api.model import Model
from llmtrain_api.protocol import (
    JOB_HEADER,
    JOIN_LONG_POLL_SECONDS,
    CurrentGeneration,
    Heartbeat,
    Join,
    JoinPending,
    Leave,
    Membership,
    Progress,
)
from llmtrain_trainer.errors import BadInput, CoordinatorUnavailable, StopRequested, TrainerError

ANSWER_SECONDS = 5.0
"""How long an answer may take that isn't held open."""
Answer = TypeVar("Answer", bound=Model)


class CoordinatorClient:
    """One connection to it, for one thread. Every method may raise Unreachable, worth repeating, BadInput,
    or StopRequested when this process is one too many."""

    def __init__(self, address: str, uid: str) -> None:
        self._address, self._uid = address, uid
        self._connection: http.client.HTTPConnection | None = None

    def join(self, join: Join) -> Membership | JoinPending:
        """Ask for a place; answered when the generation is complete, or with Waiting after some seconds."""
        answer = self._post("/v1/join", join, JOIN_LONG_POLL_SECONDS + ANSWER_SECONDS)
        return _parse(JoinPending, answer) if b'"waiting"' in answer else _parse(Membership, answer)

    def heartbeat(self, heartbeat: Heartbeat) -> CurrentGeneration:
        """Say that this member lives; hear which generation holds."""
        return _parse(CurrentGeneration, self._post("/v1/heartbeat", heartbeat, ANSWER_SECONDS))

    def progress(self, progress: Progress) -> CurrentGeneration:
        """Say how far the training is."""
        return _parse(CurrentGeneration, self._post("/v1/progress", progress, ANSWER_SECONDS))

    def leave(self, leave: Leave) -> CurrentGeneration:
        """Say that a member goes."""
        return _parse(CurrentGeneration, self._post("/v1/leave", leave, ANSWER_SECONDS))

    def leave_best_effort(self, leave: Leave) -> None:
        """Say that a member goes, on a new connection; a coordinator that doesn't hear it finds out by itself."""
        self.close()
        with contextlib.suppress(TrainerError):
            self.leave(leave)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, path: str, message: Model, seconds: float) -> bytes:
        body = message.model_dump_json(by_alias=True, exclude_none=True)
        try:
            status, answer = self._exchange(path, body, seconds)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise CoordinatorUnavailable(f"coordinator {self._address} doesn't answer: {error}") from error
        if status == 200:
            return answer
        sentence = _sentence(answer) or f"status {status}"
        if status == 410:
            raise StopRequested(sentence)
        if status in (403, 409):
            raise BadInput(f"coordinator {self._address} refused: {sentence}")
        raise CoordinatorUnavailable(f"coordinator {self._address} can't answer now: {sentence}")

    def _exchange(self, path: str, body: str, seconds: float) -> tuple[int, bytes]:
        """Send one request; once more on a new connection if the kept one was closed meanwhile."""
        kept = self._connection is not None
        try:
            return self._send(path, body, seconds)
        except (ConnectionError, http.client.HTTPException):
            self.close()
            if not kept:
                raise
            return self._send(path, body, seconds)

    def _send(self, path: str, body: str, seconds: float) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address, timeout=seconds)
        self._connection.timeout = seconds
        if self._connection.sock is not None:
            self._connection.sock.settimeout(seconds)
        headers = {JOB_HEADER: self._uid, "Content-Type": "application/json"}
        self._connection.request("POST", path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()


def _parse(kind: type[Answer], answer: bytes) -> Answer:
    try:
        return kind.model_validate_json(answer)
    except ValidationError as error:
        raise CoordinatorUnavailable(f"the coordinator's answer isn't a {kind.__name__}") from error


def _sentence(answer: bytes) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(answer).get("error", ""))
    return ""
