"""`llmtrain validate` reports what a valid job would run, or its errors."""

from pathlib import Path

import pytest

from llmtrain_cli.__main__ import main

EXAMPLE = Path(__file__).parents[3] / "examples" / "gpt-stdlib.yaml"


def test_a_valid_file_is_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out == f"{EXAMPLE}: ok: job gpt-stdlib trains for 300 steps on 2 ranks\n"


def test_an_invalid_file_exits_with_the_code_of_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("kind: Pod\n")
    assert main(["validate", str(file)]) == 2
    assert "kind: must be LLMTrainingJob, not 'Pod'" in capsys.readouterr().err


def test_other_objects_in_a_file_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\n---\n{EXAMPLE.read_text()}")
    assert main(["validate", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"{file}: not checked: ConfigMap settings is no LLMTrainingJob"


def test_epochs_are_said_in_place_of_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(EXAMPLE.read_text().replace("steps: 300", "epochs: 2"))
    assert main(["validate", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: ok: job gpt-stdlib trains for 2 epochs on 2 ranks\n"
