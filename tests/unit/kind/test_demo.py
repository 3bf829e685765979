"""The demo shows a job's results, or the problems that made it fail."""

import pytest

from llmtrain_kind.demo import metric_lines, read_job

SUCCEEDED = {
    "status": {
        "stage": "Succeeded",
        "progress": {"step": 300, "firstLoss": "8.32", "loss": "4.10", "tokensPerSecond": 12345},
        "model": {"perplexity": "75.1", "unigramPerplexity": "612.3", "sample": "def main():\n    pass"},
    }
}


def test_a_finished_job_is_summarized_in_one_line() -> None:
    job = read_job(SUCCEEDED)
    assert job.summary == "loss 8.32 -> 4.10, held-out perplexity 75.1 (unigram 612.3), 12345 tokens/s"
    assert job.sample.startswith("def main()")


@pytest.mark.parametrize(
    "document",
    [{}, {"status": {}}, {"status": {"stage": "Waiting"}}],
    ids=["no status", "an empty status", "a waiting job"],
)
def test_a_job_without_progress_has_no_problems(document: dict[str, object]) -> None:
    job = read_job(document)
    assert job.step == 0
    assert job.problems == ""


def test_problems_are_the_conditions_and_the_first_failure() -> None:
    status = {
        "stage": "Failed",
        "conditions": [{"type": "Failed", "status": "True", "reason": "BadInput", "message": "no files at books"}],
        "firstFailure": {"pod": "gpt-prepare", "node": "", "exitCode": 2, "message": "none", "lastLines": ["the end"]},
    }
    lines = read_job({"status": status}).problems.splitlines()
    assert lines[0] == "  Failed=True BadInput: no files at books"
    assert "gpt-prepare on no node, exit code 2" in lines[1]
    assert lines[2].strip() == "the end"


def test_only_the_selected_metrics_are_shown() -> None:
    text = (
        '# HELP llmtrain_job_step x\nllmtrain_job_step{job="a"} 3\nllmtrain_job_steps{job="a"} 9\nllmtrain_job_ranks 2'
    )
    assert metric_lines(text) == ['llmtrain_job_step{job="a"} 3', "llmtrain_job_ranks 2"]
