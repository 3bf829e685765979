"""`llmtrain top` and `llmtrain report` about a run on the cluster; the page is opened in a real browser."""

import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from e2e.jobs import job
from e2e.kube import ROOT, Kube
from e2e.nodes import kill
from llmtrain_cli.prometheus import Prometheus
from support.browser import open_page

STEPS = 700
DRAWN = ("loss", "speed", "time", "ranks", "cpus", "memory", "network")


def llmtrain(kube: Kube, prometheus: Prometheus, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "llmtrain_cli", *words, "-n", kube.namespace, "--prometheus", prometheus.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ, check=False)


def test_top_and_report(kube: Kube, new_job: str, prometheus: Prometheus, tmp_path: Path) -> None:
    kube.apply(job(new_job, steps=STEPS, evaluation={"everySteps": 100, "sample": {"tokens": 8}}))
    kube.wait_for_step(new_job, 50)
    kill(kube, kube.get("pod", f"{new_job}-worker-1"))
    kube.wait("the recovery is counted", lambda: kube.status(new_job)["recoveries"]["count"] == 1)
    shown = kube.wait(
        "top shows both ranks", lambda: both_ranks(llmtrain(kube, prometheus, "top", new_job, "--once").stdout), 60
    )
    print("\n".join(shown))
    nodes = {pod["spec"]["nodeName"] for pod in kube.pods(new_job, "worker")}
    assert {line.split()[2] for line in shown[2:]} <= nodes
    status = kube.wait_for_stage(new_job, "Succeeded", 300)

    done = llmtrain(kube, prometheus, "report", new_job, "--output", str(tmp_path / "report.html"))
    assert done.returncode == 0, done.stderr
    page = open_page(tmp_path / "report.html", tmp_path, ROOT / "build" / "report" / "report.png")
    assert page.errors == ()
    assert "default-src 'none'" in page.dom, "the page can request nothing"
    for key in DRAWN:
        assert 'class="main-svg"' in page.section(key), f"{key} was drawn"
        assert 'class="trace ' in page.section(key) or 'class="points"' in page.section(key), f"{key} has curves"
    assert [row[1:3] for row in recoveries(page.section("ranks"))] == [["pod", "1"]], "the recovery is in the table"
    assert "stroke-dasharray" in page.section("ranks"), "and marked in the chart"
    assert "No GPU metrics of this job." in page.section("gpu")
    figures = dict(zip(*[iter(words(page.dom, "dt", "dd"))] * 2, strict=True))
    assert figures["Steps"] == f"{STEPS} / {STEPS}"
    assert figures["Recoveries by pod"] == "1"
    created = datetime.fromisoformat(kube.get("ltj", new_job)["metadata"]["creationTimestamp"])  # type: ignore[index]
    life = (datetime.fromisoformat(status["finishTime"]) - created).total_seconds()
    assert 0.5 * life < float(figures["Lifetime"].removesuffix(" s")) <= life + 1


def both_ranks(said: str) -> list[str]:
    """Return the lines of `top` once it shows both pods; else nothing."""
    lines = said.splitlines()
    return lines if len(lines) == 4 and all(line.split()[2] != "-" for line in lines[2:]) else []


def recoveries(section: str) -> list[list[str]]:
    """Return the rows of a section's table."""
    rows = re.findall(r"<tr>(.*?)</tr>", section, re.DOTALL)
    return [re.findall(r"<td>([^<]*)</td>", row) for row in rows if "<td>" in row]


def words(dom: str, *tags: str) -> list[str]:
    """Return the text of elements, in the order of the page."""
    return [text for _, text in re.findall(rf"<({'|'.join(tags)})>([^<]*)</", dom)]
