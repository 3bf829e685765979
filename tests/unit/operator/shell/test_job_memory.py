"""What is remembered of a job."""

from datetime import timedelta

from llmtrain_operator.shell.job_memory import JobMemory


def test_the_age_of_a_status_is_known_once_it_was_written() -> None:
    now = 5.0
    memory = JobMemory("u", lambda: now)
    assert memory.status_age is None
    memory.status_written()
    now = 8.0
    assert memory.status_age == timedelta(seconds=3)
