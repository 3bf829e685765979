"""A rank trains through generations to the end, and reports why it leaves."""

import io
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from llmtrain_api.augment import LEXICON_FIELD
from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.fence import acquire_fence
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import (
    BadInput,
    Fenced,
    GenerationEnded,
    StopRequested,
    TrainerError,
)
from llmtrain_trainer.fault_points import arm
from llmtrain_trainer.models.model_folder import FIELD, VECTORS_FIELD
from llmtrain_trainer.trainer.elastic_trainer import device_of, files_checksum
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.worker.stop_signal import StopSignal
from support.local_coordinator import LocalCoordinator
from support.polling import eventually
from unit.trainer.builders import MakeRun, flip_last_bit, identity, make_state
from unit.trainer.trainer.elastic_jobs import STEPS, TRAINING, MakeTrainer, events, saved_steps


@pytest.fixture
def undisturbed(make_run: MakeRun, log: JsonLog) -> dict[str, Tensor]:
    """The weights after the last step without a coordinator, checkpoints and faults."""
    state = make_state(make_run(training=TRAINING), log)
    for _ in range(STEPS):
        state.train_step(SingleProcess(), StopVotes())
    tensors = state.state_dict().items()
    return {name.removeprefix("weight/"): tensor for name, tensor in tensors if name.startswith("weight/")}


def saved_weights(job_directory: Path) -> dict[str, Tensor]:
    """Return the weights in the checkpoint after the last step."""
    return load_file(job_directory / "checkpoints" / f"step-{STEPS:08d}" / "weights.safetensors")


def are_equal(weights: dict[str, Tensor], others: dict[str, Tensor]) -> bool:
    """Return whether two models have the same weights, to the bit."""
    return weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)


def at_step(step: int, action: Callable[[], None]) -> None:
    """Do something once, before the step that follows `step` steps."""
    done: list[int] = []

    def act(reached: int | None) -> None:
        if reached == step and not done:
            done.append(step)
            action()

    arm("train_step", act)


def stop_this_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def lose_a_peer() -> None:
    raise GenerationEnded("a peer is lost")


def test_the_last_step_is_saved_and_reported_before_the_rank_leaves(
    make_trainer: MakeTrainer, coordinator: LocalCoordinator, job_directory: Path, undisturbed: dict[str, Tensor]
) -> None:
    trainer = make_trainer()
    outcome = trainer.train()
    assert (outcome.reason, outcome.message, trainer.is_main_process) == ("Completed", "trained for 6 steps", True)
    assert are_equal(saved_weights(job_directory), undisturbed)
    progress = coordinator.status().progress
    assert progress is not None
    assert progress.checkpoint is not None
    assert (progress.step, progress.checkpoint.step) == (STEPS, STEPS)
    assert list((job_directory / "tensorboard").iterdir())
    assert coordinator.leave_reasons == ["Finished"]


def test_the_state_in_memory_outlives_a_generation(
    make_trainer: MakeTrainer,
    coordinator: LocalCoordinator,
    job_directory: Path,
    undisturbed: dict[str, Tensor],
    lines: io.StringIO,
) -> None:
    at_step(3, lose_a_peer)
    make_trainer().train()
    assert [(join.generation, join.step) for join in coordinator.joins] == [(0, None), (1, 3)]
    assert [(line["generation"], line["message"]) for line in events(lines, "generationEnded")] == [
        (1, "a peer is lost")
    ]
    assert not events(lines, "restored")
    assert are_equal(saved_weights(job_directory), undisturbed)
    assert coordinator.leave_reasons == ["Finished"]


def test_a_stop_is_saved_and_another_process_continues_from_it(
    make_trainer: MakeTrainer,
    coordinator: LocalCoordinator,
    job_directory: Path,
    undisturbed: dict[str, Tensor],
    lines: io.StringIO,
) -> None:
    at_step(3, stop_this_process)  # the ranks agree on it in the step after that
    with pytest.raises(StopRequested, match=r"^stopped on request after step 5, with a checkpoint$"):
        make_trainer().train()
    assert (saved_steps(job_directory)[-1], coordinator.leave_reasons) == (5, ["Stopped"])
    make_trainer(stop_signal=StopSignal()).train()
    assert [line["step"] for line in events(lines, "restored")] == [5]
    assert are_equal(saved_weights(job_directory), undisturbed)


def test_a_stop_whose_checkpoint_fails_is_no_stop_with_a_checkpoint(
    make_trainer: MakeTrainer, job_directory: Path
) -> None:
    def stop_without_a_volume() -> None:
        eventually((job_directory / "checkpoints").is_dir, "the writer has started")
        (job_directory / "checkpoints").rename(job_directory / "away")
        (job_directory / "checkpoints").write_text("in the way")
        stop_this_process()

    at_step(3, stop_without_a_volume)
    with pytest.raises(
        StopRequested, match=r"^stopped on request after step 5, but without a checkpoint: .*checkpoints"
    ):
        make_trainer().train()


def test_a_process_that_comes_after_the_last_step_loads_the_final_weights(
    make_trainer: MakeTrainer, coordinator: LocalCoordinator, lines: io.StringIO
) -> None:
    make_trainer().train()
    late = make_trainer()
    assert late.train().reason == "Completed"
    assert len(coordinator.joins) == 1
    late.load_final_state()
    assert [line["step"] for line in events(lines, "restored")] == [STEPS]
    assert coordinator.leave_reasons == ["Finished", "Finished"]


def test_a_process_does_not_take_an_older_checkpoint_for_the_final_weights(
    make_trainer: MakeTrainer, job_directory: Path, undisturbed: dict[str, Tensor]
) -> None:
    make_trainer().train()
    flip_last_bit(job_directory / "checkpoints" / f"step-{STEPS:08d}" / "weights.safetensors")
    late = make_trainer()
    late.train()
    with pytest.raises(TrainerError, match=r"^step-00000006, the checkpoint after the last step, .* 4 of 6 steps$"):
        late.load_final_state()
    make_trainer().train()
    assert are_equal(saved_weights(job_directory), undisturbed)


def test_the_process_of_the_last_step_has_the_final_weights_already(
    make_trainer: MakeTrainer, lines: io.StringIO
) -> None:
    trainer = make_trainer()
    trainer.train()
    trainer.load_final_state()
    assert not events(lines, "restored")


def test_a_finished_training_continues_when_its_steps_are_raised(
    make_trainer: MakeTrainer, job_directory: Path, lines: io.StringIO
) -> None:
    make_trainer().train()
    make_trainer(steps=STEPS + 2).train()
    assert [line["step"] for line in events(lines, "restored")] == [STEPS]
    assert saved_steps(job_directory)[-1] == STEPS + 2


def test_steps_below_those_done_are_refused(make_trainer: MakeTrainer) -> None:
    make_trainer().train()
    with pytest.raises(BadInput, match=r"^spec\.training\.steps: step-00000006 has done 6 steps, more than the 4 of"):
        make_trainer(steps=STEPS - 2).train()


def test_a_damaged_last_checkpoint_that_a_reader_has_found_is_trained_again(
    make_trainer: MakeTrainer, job_directory: Path, undisturbed: dict[str, Tensor], log: JsonLog
) -> None:
    make_trainer().train()
    flip_last_bit(job_directory / "checkpoints" / f"step-{STEPS:08d}" / "weights.safetensors")
    CheckpointStore(job_directory=job_directory, log=log).find_newest()
    make_trainer().train()
    assert are_equal(saved_weights(job_directory), undisturbed)


def test_a_volume_that_cannot_be_read_does_not_mean_that_the_training_is_finished(
    make_trainer: MakeTrainer, job_directory: Path, lines: io.StringIO
) -> None:
    """Other ranks may have the state in memory, so a rank joins them."""
    trainer = make_trainer()
    job_directory.mkdir(exist_ok=True)
    (job_directory / "checkpoints").write_text("in the way")
    assert not trainer._is_finished()
    assert "Not a directory" in str(events(lines, "checkpointUnreadable")[0]["message"])


def test_a_rank_of_an_older_coordinator_trains_no_step(make_trainer: MakeTrainer, job_directory: Path) -> None:
    acquire_fence(job_directory, 2)
    with pytest.raises(Fenced, match="another coordinator, of term 2, trains this job now; this one has term 1"):
        make_trainer().train()
    assert saved_steps(job_directory) == []


@pytest.mark.parametrize(("reduction", "matters"), [("Exact", True), ("Fast", False)])
def test_the_numerics_of_ranks_matter_only_if_results_are_exact(
    make_trainer: MakeTrainer, coordinator: LocalCoordinator, reduction: str, matters: bool
) -> None:
    make_trainer(reduction=reduction).train()
    assert [bool(join.member.numerics) for join in coordinator.joins] == [matters]


def test_a_job_without_gpus_computes_on_the_cpu(make_run: MakeRun) -> None:
    assert device_of(make_run(), identity()) == torch.device("cpu")


def test_a_worker_without_a_usable_gpu_is_bad_input_with_the_remedy(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = r"^spec\.workers\.gpus: this worker has no usable GPU; set it to 0 or use an image with CUDA$"
    with pytest.raises(BadInput, match=message):
        device_of(make_run(workers={"gpus": 1}), identity())


def test_the_checksum_of_one_file_beside_the_dataset_is_its_own() -> None:
    assert files_checksum({"spec.model.name": "gru", VECTORS_FIELD: "", LEXICON_FIELD: ""}) == ""
    assert files_checksum({FIELD: "sha256:1"}) == "sha256:1"
    assert files_checksum({LEXICON_FIELD: "sha256:1"}) == "sha256:1"
    both = files_checksum({VECTORS_FIELD: "sha256:1", LEXICON_FIELD: "sha256:2"})
    assert re.fullmatch("sha256:[0-9a-f]{64}", both)
    assert both != files_checksum({VECTORS_FIELD: "sha256:2", LEXICON_FIELD: "sha256:1"})
