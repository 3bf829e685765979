"""The metrics of a job come from the catalogue, and only what is known is told."""

from prometheus_client.parser import text_string_to_metric_families

from llmtrain_api.goodput import Account
from llmtrain_api.membership import Written
from llmtrain_api.metrics import job
from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_coordinator.known import Known
from llmtrain_coordinator.metrics import JobCollector, exposition, samples
from llmtrain_coordinator.recoveries import Ledger
from unit.coordinator.trainers import follow, joining, progressing

WRITTEN = Written(seconds=1.5, size_bytes=300, volume_size_bytes=1000, volume_free_bytes=400)
TRAINING = follow(1, joining("a0"), progressing(1, 4).model_copy(update={"mfu": 0.4, "written": WRITTEN}))[-1].roster
KNOWN = Known(
    roster=TRAINING,
    work_seconds={"a0": 0.25, "gone": 1.0},
    account=Account(until_ms=5000, ms={"stepping": 3000}),
    ledger=Ledger(count={"process": 2}, seconds={("process", "agree"): 0.5}, lost_steps=3),
)


def test_every_coordinator_metric_of_the_catalogue_is_told() -> None:
    told = [metric for metric, _, _ in samples(KNOWN)]
    assert set(told) == set(job.METRICS)
    assert len(told) == len(set(told))


def test_nothing_is_said_of_progress_before_the_first_step() -> None:
    names = {
        metric.name for metric, _, _ in samples(Known(roster=follow(2, joining("a0"))[-1].roster, ledger=Ledger()))
    }
    assert names == {
        "llmtrain_job_generation",
        "llmtrain_job_ranks",
        "llmtrain_job_ranks_wanted",
        "llmtrain_job_lost_members_total",
        "llmtrain_job_lost_steps_total",
    }


def test_prometheus_reads_it() -> None:
    text = exposition(JobCollector(KNOWN, ("team", "gpt"))).decode()
    read = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert read["llmtrain_job_step"].value == 4
    assert read["llmtrain_job_loss_nats"].value == 2.0
    assert read["llmtrain_job_checkpoint_volume_free_bytes"].value == 400
    assert {(sample.labels["namespace"], sample.labels["training_job"]) for sample in read.values()} == {
        ("team", "gpt")
    }
    assert read["llmtrain_job_recovery_seconds_total"].labels["part"] == "agree"
    assert set(read) <= {metric.name for metric in CATALOGUE}
