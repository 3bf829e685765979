"""A phase is logged again and again while it lasts, whatever it is doing, and no longer."""

import io
import json

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data.progress import logged_phase
from support.polling import eventually


def test_a_phase_is_logged_until_it_ends(log: JsonLog, lines: io.StringIO) -> None:
    with logged_phase(log, "reading", 100, interval_seconds=0.01) as phase:
        phase.done = 40
        eventually(lambda: lines.getvalue().count("\n") > 2, "it is logged")
    count = lines.getvalue().count("\n")
    last = json.loads(lines.getvalue().splitlines()[-1])
    assert (last["event"], last["phase"], last["bytes"], last["of"]) == ("prepareProgressed", "reading", 40, 100)
    assert lines.getvalue().count("\n") == count


def test_a_short_phase_is_not_logged(log: JsonLog, lines: io.StringIO) -> None:
    with logged_phase(log, "reading", 100):
        pass
    assert not lines.getvalue()
