"""The update loop survives failed queries and ends with the training."""

import io
import re
from typing import Any

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.prometheus import Prometheus
from llmtrain_cli.top.live import ENDED_SECONDS, follow, top
from llmtrain_cli.top.ranks import ask
from unit.cli.fake_prometheus import JOB, START, ErrorResponse, answering
from unit.cli.jobs import point, terminal

TRAINED: dict[str, Any] = {
    "job_step{": [point(10)],
    "job_steps{": [point(10)],
    "ranks_desired": [point(1)],
    "rank_compute": [point(0.1, worker="0", rank="0")],
}
"""Answers about a job whose last step is done."""


def test_once_prints_the_job_and_exits(capsys: pytest.CaptureFixture[str]) -> None:
    with answering({**TRAINED, "job_ranks{": [point(1)]}) as url:
        assert main(["top", "gpt", "-n", "team", "--prometheus", url, "--once"]) == 0
    shown = capsys.readouterr().out
    assert "team/gpt  step 10/10  ranks 1/1" in shown
    assert "100 ms" in shown


def test_the_last_answers_are_shown_while_queries_fail() -> None:
    answers = dict(TRAINED)
    now = START
    with answering(answers) as url:
        prometheus = Prometheus(url)
        updates = follow(prometheus, JOB, ask(prometheus, JOB), lambda: now)
        assert next(updates).notice == ""
        answers["ranks_desired"], now = ErrorResponse(503), START + 2
        failed = next(updates)
        assert re.match(r"not updated since \d\d:\d\d:\d\d: .*503 Service Unavailable", failed.notice)
        assert (failed.answered_at, len(failed.answers["compute"])) == (START, 1)
        answers["ranks_desired"] = []
        assert "no current metrics of gpt" in next(updates).notice
        answers["ranks_desired"], now = [point(1)], START + 4
        again = next(updates)
        assert (again.notice, again.answered_at) == ("", START + 4)


@pytest.mark.parametrize(
    ("step", "ended"), [pytest.param(10, True, id="all steps are done"), pytest.param(9, False, id="a step is left")]
)
def test_a_job_without_metrics_has_ended_only_if_its_steps_are_done(step: int, ended: bool) -> None:
    answers = {**TRAINED, "job_step{": [point(step)]}
    now = START
    with answering(answers) as url:
        prometheus = Prometheus(url)
        updates = follow(prometheus, JOB, ask(prometheus, JOB), lambda: now)
        next(updates)
        answers.clear()
        now = START + ENDED_SECONDS
        assert not next(updates).ended, "its coordinator can be moving"
        now = START + ENDED_SECONDS + 1
        assert next(updates).ended is ended
        assert (next(updates, None) is None) is ended


def run_top(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], changes: list[dict[str, Any] | type[BaseException]]
) -> str:
    """Run `top` on a terminal; return what it wrote. Each update is followed by a change of the answers or an error."""
    remaining = iter(changes)

    def sleep(seconds: float) -> None:
        change = next(remaining)
        if isinstance(change, type):
            raise change
        answers.update(change)

    monkeypatch.setattr("llmtrain_cli.top.live.time.sleep", sleep)
    monkeypatch.setattr("llmtrain_cli.top.live.ENDED_SECONDS", 0.0)
    console = terminal(100, 24)
    with answering(answers) as url:
        top(Prometheus(url), JOB, interval_seconds=1, once=False, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_updates_continue_after_a_failed_query_until_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    written = run_top(
        monkeypatch,
        {**TRAINED, "job_step{": [point(9)]},
        [{"ranks_desired": []}, {"ranks_desired": [point(1)], "job_ranks{": [point(1)]}, KeyboardInterrupt],
    )
    assert written.index("no current metrics of gpt") < written.index("ranks 1/1")


def test_the_last_table_stays_when_the_training_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    written = run_top(monkeypatch, dict(TRAINED), [{key: [] for key in TRAINED}])
    last = written.rpartition("\x1b[?1049l")[2]
    assert "step 10/10" in last
    assert "gpt has ended; `llmtrain report gpt -n team`" in last


def test_a_dumb_terminal_gets_the_table_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    written = run_top(monkeypatch, dict(TRAINED), [])
    assert "step 10/10" in written
    assert "\x1b[?1049h" not in written
