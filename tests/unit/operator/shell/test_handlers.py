"""What kopf calls."""

import asyncio

import kopf

from llmtrain_operator.shell.handlers import registry, silence
from llmtrain_operator.shell.informer import Informer


async def test_kopf_gets_its_handlers_and_watches_no_resource() -> None:
    handlers = registry([], asyncio.Event())
    assert isinstance(handlers, kopf.OperatorRegistry)
    assert not handlers._watching.get_all_handlers(), "what is deleted while kopf's watch is broken stays unknown"


async def test_a_probe_reports_how_long_each_watch_has_heard_nothing() -> None:
    informer = Informer(None, "v1", "Pod", lambda change, found: None)  # type: ignore[arg-type]
    assert silence([informer], informer.heard_at + 7) == {"Pod": 7}
