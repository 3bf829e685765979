"""The metrics of a job come from the catalogue, and only what is known is told."""

from prometheus_client.parser import text_string_to_metric_families

from llmtrain_api.metrics import job
from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_api.protocol import RECOVERY_PHASES, CheckpointWriteStats
from llmtrain_api.time_ledger import CATEGORIES, TimeLedger
from llmtrain_coordinator.metrics import JobCollector, exposition, samples
from llmtrain_coordinator.recovery_log import RecoveryLog
from llmtrain_coordinator.snapshot import CoordinatorSnapshot
from unit.coordinator.messages import follow, joining, progressing

WRITTEN = CheckpointWriteStats(seconds=1.5, size_bytes=300, volume_size_bytes=1000, volume_free_bytes=400)
TRAINING = follow(1, joining("a0"), progressing(1, 4).model_copy(update={"mfu": 0.4, "checkpoint_write": WRITTEN}))[
    -1
].roster
KNOWN = CoordinatorSnapshot(
    roster=TRAINING,
    work_seconds={"a0": 0.25, "gone": 1.0},
    account=TimeLedger(until_ms=5000, ms={"stepping": 3000}),
    ledger=RecoveryLog(count={"process": 2}, seconds={("process", "rendezvous"): 0.5}, replayed_steps=3),
)


def test_every_coordinator_metric_of_the_catalogue_is_told() -> None:
    told = [(metric, labels) for metric, _, labels in samples(KNOWN)]
    assert {metric for metric, _ in told} == set(job.METRICS)
    assert len(told) == len(set(told))


def test_counters_begin_at_zero_or_their_first_increase_is_lost() -> None:
    told = {(metric, labels): number for metric, number, labels in samples(KNOWN)}
    recoveries = {labels: number for (metric, labels), number in told.items() if metric is job.JOB_RECOVERIES}
    assert recoveries == {("process",): 2, ("pod",): 0, ("checkpoint",): 0}
    assert told[job.JOB_RECOVERY_SECONDS, ("process", "rendezvous")] == 0.5
    assert told[job.JOB_RECOVERY_SECONDS, ("checkpoint", "replay")] == 0
    kinds = {labels[0]: number for (metric, labels), number in told.items() if metric is job.JOB_SECONDS}
    assert kinds == {**dict.fromkeys(CATEGORIES, 0), "stepping": 3.0}


def test_nothing_is_said_of_progress_before_the_first_step() -> None:
    names = {
        metric.name
        for metric, _, _ in samples(
            CoordinatorSnapshot(roster=follow(2, joining("a0"))[-1].roster, ledger=RecoveryLog())
        )
    }
    assert names == {
        "llmtrain_job_generation",
        "llmtrain_job_ranks",
        "llmtrain_job_ranks_desired",
        "llmtrain_job_lost_members_total",
        "llmtrain_job_replayed_steps_total",
        "llmtrain_job_recoveries_total",
        "llmtrain_job_recovery_seconds_total",
    }


def test_prometheus_reads_it() -> None:
    text = exposition(JobCollector(KNOWN, ("team", "gpt"))).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    read = {sample.name: sample for sample in samples}
    assert read["llmtrain_job_step"].value == 4
    assert read["llmtrain_job_loss_nats"].value == 2.0
    assert read["llmtrain_job_checkpoint_volume_free_bytes"].value == 400
    assert {(sample.labels["namespace"], sample.labels["training_job"]) for sample in read.values()} == {
        ("team", "gpt")
    }
    recovered = [sample.labels["phase"] for sample in samples if sample.name == "llmtrain_job_recovery_seconds_total"]
    assert recovered == [*RECOVERY_PHASES] * 3
    assert set(read) <= {metric.name for metric in CATALOGUE}
