"""`llmtrain run` mixes sources by weight; a job with other weights uses the same dataset."""

import json

from support.local_run import JOB, Workspace

PREPARED = "books has "


def write_job(workspace: Workspace, name: str, **weights: int) -> None:
    data = {**JOB["spec"]["data"], "source": {"volume": "texts", "path": "tables"}, "mixture": weights}
    training = {**JOB["spec"]["training"], "steps": 20, "warmupSteps": 2}
    spec = {**JOB["spec"], "workers": {"replicas": 1}, "data": data, "training": training}
    (workspace.folder / "job.yaml").write_text(json.dumps({**JOB, "metadata": {"name": name}, "spec": spec}))


def test_sources_are_mixed_and_prepared_once_for_all_weights(workspace: Workspace) -> None:
    texts = workspace.folder / ".llmtrain" / "volumes" / "texts"
    for source in ("books", "wiki"):
        (texts / "tables" / source).mkdir()
        lines = (f"{source} {number} of {number * number}\n" for number in range(400))
        (texts / "tables" / source / "all.txt").write_text("".join(lines))
    write_job(workspace, "boks", boks=3, wiki=1)
    refused = workspace.run("--plain")
    assert refused.end() == 2, refused.text
    assert "spec.data.mixture: 'boks' is not in 'tables' on volume 'texts', which has 1.txt, " in refused.text

    write_job(workspace, "first", books=3, wiki=1)
    first = workspace.run("--plain")
    assert first.end() == 0, first.text
    assert PREPARED in first.text
    datasets = [path for path in (texts / ".llmtrain" / "prepared").iterdir() if not path.name.startswith(".")]
    written = {path: path.stat().st_mtime_ns for path in datasets[0].iterdir()}

    write_job(workspace, "first", books=1, wiki=1)
    refused = workspace.run("--plain")
    assert refused.end() == 2, refused.text
    assert "spec.data.mixture.books (3 before, 1 now) can't be changed" in refused.text

    write_job(workspace, "second", books=1, wiki=1)
    second = workspace.run("--plain")
    assert second.end() == 0, second.text
    assert {path: path.stat().st_mtime_ns for path in datasets[0].iterdir()} == written
    assert [path for path in (texts / ".llmtrain" / "prepared").iterdir() if path.name[0] != "."] == datasets
