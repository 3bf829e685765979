"""`llmtrain top` shows what is known of each rank, and '-' for the rest."""

import io
import re
from typing import Any

import pytest
from rich.console import Console

from llmtrain_cli.__main__ import main
from llmtrain_cli.prometheus import JobName, Prometheus, Series
from llmtrain_cli.top.live import ENDED_SECONDS, top, watch
from llmtrain_cli.top.ranks import ask, questions, rows
from llmtrain_cli.top.screen import TITLES, headline, screen, table
from unit.cli.fake_prometheus import JOB, START, Refusal, answering, series


def work(worker: int, rank: int, seconds: float) -> Series:
    return series([seconds], worker=str(worker), rank=str(rank))


NOTHING: dict[str, list[Series]] = {name: [] for name in questions(JOB)}
ANSWERS = {
    **NOTHING,
    "step": [series([40])],
    "steps": [series([100])],
    "goodput": [series([0.925])],
    "ranks": [series([3])],
    "wanted": [series([4])],
    "work": [work(1, 0, 0.5), work(0, 0, 0.2), work(0, 1, 0.2)],
    "memory": [series([2**30], pod="gpt-worker-0", node="a"), series([2**29], pod="gpt-worker-1", node="b")],
    "memory_limit": [series([2**31], pod="gpt-worker-0")],
    "gpu": [
        series([0.5], pod="gpt-worker-0", gpu="10"),
        series([0.9], pod="gpt-worker-0", gpu="9"),
        series([0.1], pod="other", gpu="0"),
    ],
}


def test_a_row_for_each_rank_in_order() -> None:
    found = rows(JOB, ANSWERS)
    assert [(row.worker, row.rank, row.pod, row.node) for row in found] == [
        (0, 0, "gpt-worker-0", "a"),
        (0, 1, "gpt-worker-0", "a"),
        (1, 0, "gpt-worker-1", "b"),
    ]
    assert [row.slowness for row in found] == [1.0, 1.0, 2.5]
    assert [row.gpu for row in found] == [0.9, 0.5, None], "the pod's GPUs by number, not by text"
    assert [row.memory_limit for row in found] == [2**31, 2**31, None]


def test_parts_of_gpus_are_in_order() -> None:
    parts = [series([n / 10], pod="gpt-worker-0", gpu=name) for n, name in enumerate(("0:10", "1:0", "0:2"))]
    found = rows(JOB, {**ANSWERS, "gpu": parts, "work": [work(0, rank, 0.2) for rank in range(3)]})
    assert [row.gpu for row in found] == [0.2, 0.0, 0.1]


def test_no_question_is_about_one_instance() -> None:
    for name, asked in questions(JOB).items():
        assert re.match(r"(time\(\) - |sum\()?max by \(", asked), name
        assert "instance" not in asked


def test_what_is_not_known_is_a_dash() -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(table(rows(JOB, ANSWERS)))
    lines = console.export_text().splitlines()
    assert lines[0].split()[:4] == ["WORKER", "RANK", "NODE", "WORK"]
    assert "1 GiB/2 GiB" in lines[1]
    assert lines[3].split() == ["1", "0", "b", "500", "ms", "2.50", "-", "-", "-", "512", "MiB", "-", "-"]


def test_the_headline_says_only_what_is_known() -> None:
    assert headline(JOB, ANSWERS) == "team/gpt  step 40/100  goodput 92.5%  ranks 3/4"
    assert headline(JOB, NOTHING) == "team/gpt"
    assert headline(JOB, {**NOTHING, "wanted": [series([4])]}) == "team/gpt", "the coordinator went meanwhile"


def point(value: float, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1.0, str(value)]}


def test_once_prints_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    answers = {
        "ranks_desired": [point(1)],
        "rank_compute": [point(0.1, worker="0", rank="0")],
        "job_ranks{": [point(1)],
    }
    with answering(answers) as url:
        assert main(["top", "gpt", "-n", "team", "--prometheus", url, "--once"]) == 0
    said = capsys.readouterr().out
    assert "team/gpt  ranks 1/1" in said
    assert "100 ms" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gpt", "-n", "team"], "told of no job gpt in namespace team now"),
        (['x"} or vector(1'], "no name of Kubernetes"),
        (["gpt", "--prometheus", "localhost:9090"], "begins with http"),
    ],
)
def test_a_clear_word_when_there_is_nothing_to_show(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering({}) as url:
        assert main(["top", "--once", "--prometheus", url, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "gpt", "--prometheus", "http://127.0.0.1:9"]) == 2
    assert "kubectl" in capsys.readouterr().err


def terminal(width: int, height: int) -> Console:
    return Console(width=width, height=height, force_terminal=True, file=io.StringIO(), legacy_windows=False)


def lines(console: Console, answers: dict[str, list[Series]], notice: str = "") -> list[str]:
    shown = console.render_lines(screen(JOB, answers, notice, console), pad=False)
    return ["".join(segment.text for segment in line).rstrip() for line in shown]


def many(ranks: int) -> dict[str, list[Series]]:
    """Return a job whose last rank is the slowest, all of whose cells are full."""
    pods = [f"gpt-worker-{n}" for n in range(ranks)]
    node = "ip-10-0-0-17.eu-west-1.compute.internal"
    return {
        **ANSWERS,
        "work": [work(n, 0, 1 + n / 10) for n in range(ranks)],
        **{
            name: [series([1234567890], pod=pod, node=node, gpu="0") for pod in pods]
            for name in ("memory", "gpu_memory")
        },
        **{name: [series([1234567890], pod=pod) for pod in pods] for name in ("memory_limit", "received", "sent")},
        "cpus": [series([7.9], pod=pod) for pod in pods],
    }


@pytest.mark.parametrize(
    ("width", "without"),
    [(160, ()), (120, ("NODE",)), (95, ("NODE", "CPUS")), (80, ("NODE", "CPUS", "GPU MEMORY"))],
)
def test_a_narrow_terminal_does_without_columns_and_cuts_none(width: int, without: tuple[str, ...]) -> None:
    shown = lines(terminal(width, 24), many(2))
    titles = next(line for line in shown if line.startswith("WORKER"))
    assert re.split("  +| (?=RANK|NODE|WORK|SLOW|GPU$|CPUS|IN|OUT)", titles) == [
        title for title in TITLES if title not in without
    ]
    assert all(len(line) <= width and "…" not in line for line in shown)


def test_of_more_ranks_than_rows_the_slowest_are_shown() -> None:
    shown = lines(terminal(80, 24), many(100), notice="as told at 10:00:00: no Prometheus answers")
    assert len(shown) == 24
    assert shown[3].split()[0] == "99"
    assert shown[-1] == "and 80 faster ranks; --once shows all"


def test_a_number_has_three_digits() -> None:
    speeds = {**ANSWERS, "received": [series([999.6 * 2**20], pod="gpt-worker-0")]}
    assert "0.976 GiB/s" in lines(terminal(200, 24), speeds)[3]


TOLD = {
    "job_step{": [point(10)],
    "job_steps{": [point(10)],
    "ranks_desired": [point(1)],
    "rank_compute": [point(0.1, worker="0", rank="0")],
}


def test_the_last_table_stays_while_there_is_no_news() -> None:
    answers: dict[str, Any] = dict(TOLD)
    now = START
    with answering(answers) as url:
        prometheus = Prometheus(url)
        live = watch(prometheus, JOB, ask(prometheus, JOB), lambda: now)
        assert next(live).notice == ""
        answers["ranks_desired"], now = Refusal(503), START + 2
        failed = next(live)
        assert re.match(r"as told at \d\d:\d\d:\d\d: .*503 Service Unavailable", failed.notice)
        assert (failed.told_at, len(failed.answers["work"])) == (START, 1)
        answers["ranks_desired"] = []
        assert "nobody tells of gpt now" in next(live).notice
        answers["ranks_desired"], now = [point(1)], START + 4
        again = next(live)
        assert (again.notice, again.told_at) == ("", START + 4)


@pytest.mark.parametrize(("step", "ended"), [(10, True), (9, False)])
def test_a_job_that_nobody_tells_of_has_ended_if_its_steps_were_done(step: int, ended: bool) -> None:
    answers: dict[str, Any] = {**TOLD, "job_step{": [point(step)]}
    now = START
    with answering(answers) as url:
        prometheus = Prometheus(url)
        live = watch(prometheus, JOB, ask(prometheus, JOB), lambda: now)
        next(live)
        answers.clear()
        now = START + ENDED_SECONDS
        assert not next(live).ended, "its coordinator may move"
        now = START + ENDED_SECONDS + 1
        assert next(live).ended is ended
        assert (next(live, None) is None) is ended


def shown_live(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], between: list[dict[str, Any] | type[BaseException]]
) -> str:
    """Run `top` on a terminal; return what was written. Between two looks the answers change, or an error comes."""
    changes = iter(between)

    def sleep(seconds: float) -> None:
        change = next(changes)
        if isinstance(change, type):
            raise change
        answers.update(change)

    monkeypatch.setattr("llmtrain_cli.top.live.time.sleep", sleep)
    monkeypatch.setattr("llmtrain_cli.top.live.ENDED_SECONDS", 0.0)
    console = terminal(100, 24)
    with answering(answers) as url:
        top(Prometheus(url), JobName(namespace="team", name="gpt"), every_seconds=1, once=False, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_goes_on_through_a_failed_scrape_until_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown_live(
        monkeypatch,
        {**TOLD, "job_step{": [point(9)]},
        [{"ranks_desired": []}, {"ranks_desired": [point(1)], "job_ranks{": [point(1)]}, KeyboardInterrupt],
    )
    assert said.index("nobody tells of gpt now") < said.index("ranks 1/1")


def test_it_ends_well_with_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown_live(monkeypatch, dict(TOLD), [{words: [] for words in TOLD}])
    last = said.rpartition("\x1b[?1049l")[2]
    assert "step 10/10" in last
    assert "gpt has ended; `llmtrain report gpt -n team`" in last


def test_a_dumb_terminal_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    said = shown_live(monkeypatch, dict(TOLD), [])
    assert "step 10/10" in said
    assert "\x1b[?1049h" not in said
