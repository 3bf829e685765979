"""Objects that cannot be read: each is reported once for each reason in the log, and in a condition of its own."""

import logging
from datetime import UTC, datetime

from llmtrain_api.events import OperatorEvent
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.unreadable import unreadable_status
from llmtrain_operator.shell.execute import Executor
from llmtrain_operator.shell.work_queue import Key

log = logging.getLogger(__name__)


class UnreadableObject(Exception):
    """A job or LLMCluster cannot be read, or nothing can be decided on it."""


class Complaints:
    """What was reported last of each object that cannot be read."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.texts: dict[Key, str] = {}

    async def publish(self, key: Key, manifest: Manifest | None, error: UnreadableObject) -> None:
        """Report that `manifest` cannot be read; it is None if it no longer exists. Nothing in it can raise here."""
        text = str(error)
        fields = {"kind": key.kind, "namespace": key.namespace, "name": key.name, "message": text}
        if self.texts.get(key) != text:
            self.texts[key] = text
            log.error(OperatorEvent.OBJECT_NOT_RECONCILED, extra={"fields": fields}, exc_info=error.__cause__)
        try:
            status = unreadable_status(manifest, text, format_rfc3339(datetime.now(UTC))) if manifest else None
            if manifest is not None and status is not None:
                self.executor.cache(manifest, await self.executor.api.replace_status(manifest, status))
        except Exception as failure:
            log.debug(OperatorEvent.RECONCILE_FAILED, extra={"fields": {**fields, "message": str(failure)}})

    def discard(self, key: Key) -> None:
        """Forget an object that can be read, or no longer exists."""
        self.texts.pop(key, None)
