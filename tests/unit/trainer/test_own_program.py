"""A program that can't run is refused in one sentence, before anything waits for it."""

from pathlib import Path
from typing import Any

import pytest

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.user_program.program import find_program, program_environment
from unit.trainer.conftest import MakeRun


@pytest.fixture
def make_own(make_run: MakeRun) -> Any:
    def make(**entrypoint: Any) -> RunConfig:
        return make_run(entrypoint=entrypoint, data={"source": {"volume": "datasets"}})

    return make


REFUSED = [
    # entrypoint, beginning of the sentence
    ({"module": "no_such_module"}, "spec.entrypoint.module: there is no module no_such_module in the trainer image"),
    ({"module": "no_such.module"}, "spec.entrypoint.module: no_such.module can't be imported in the trainer image"),
    ({"module": "json"}, "spec.entrypoint.module: json is a package without __main__"),
    ({"script": "none.py"}, "spec.entrypoint.script: 'none.py' is not a file on volume 'datasets'; put it there"),
    ({"script": "/none.py"}, "spec.entrypoint.script: '/none.py' is not a file in the trainer image; put it there"),
    ({"script": "broken.py"}, "spec.entrypoint.script: 'broken.py' isn't Python"),
]


@pytest.mark.parametrize(("entrypoint", "words"), REFUSED)
def test_is_refused(make_own: Any, volume: Path, entrypoint: dict[str, Any], words: str) -> None:
    (volume / "broken.py").write_text("def main(:\n")
    with pytest.raises(BadInput) as refusal:
        find_program(make_own(**entrypoint))
    assert str(refusal.value).startswith(words)


def test_a_script_is_on_the_data_volume(make_own: Any, volume: Path) -> None:
    (volume / "train.py").write_text("print('hello')\n")
    program = find_program(make_own(script="train.py", arguments=["--fast"]))
    assert program.command[1:] == [str(volume / "train.py"), "--fast"]
    assert program.name == "train.py"


def test_a_module_is_run_as_python_does(make_own: Any) -> None:
    program = find_program(make_own(module="json.tool"))
    assert program.command[1:] == ["-m", "json.tool"]


def test_a_program_is_told_where_its_files_are(make_own: Any, volume: Path) -> None:
    run = make_own(script="train.py")
    environment = program_environment(run)
    assert environment["LLMTRAIN_DATA"] == f"{volume}/"
    assert Path(environment["LLMTRAIN_OUTPUT"]) == Path(run.job_directory) / "output"
    assert Path(environment["LLMTRAIN_OUTPUT"]).is_dir()
    assert (environment["LLMTRAIN_STEPS"], environment["LLMTRAIN_SEED"]) == ("20", "0")
