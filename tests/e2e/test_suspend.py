"""Suspend stops the pods after a checkpoint; resume continues from it."""

from e2e.jobs import ENDLESS, job
from e2e.kube import Kube, condition


def suspend(kube: Kube, name: str, value: bool) -> None:
    kube.run("patch", "ltj", name, "--type=merge", "-p", f'{{"spec":{{"suspend":{str(value).lower()}}}}}')


def test_suspend_and_resume(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait_for_step(new_job, 5)
    suspend(kube, new_job, True)
    status = kube.wait(
        "it is suspended", lambda: condition(s := kube.status(new_job), "Suspended").get("status") == "True" and s
    )
    assert not kube.pods(new_job)
    assert status["recoveries"]["count"] == 0
    step = status["progress"]["step"]
    suspend(kube, new_job, False)
    kube.wait_for_stage(new_job, "Training")
    kube.wait_for_step(new_job, step + 5)
    assert condition(kube.status(new_job), "Suspended")["status"] == "False"
    log = kube.run("logs", f"{new_job}-worker-0").stdout
    assert '"event":"restored"' in log.replace(" ", "")


def test_a_job_may_be_born_suspended(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=2, suspend=True))
    kube.wait("the condition reports it", lambda: condition(kube.status(new_job), "Suspended").get("status") == "True")
    assert not kube.pods(new_job)
