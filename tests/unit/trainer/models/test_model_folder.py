"""The files of a folder with a model: what is missing is named, and what is there has a checksum."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from llmtrain_trainer.data.tokenizer import MASK
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import MASKS, ModelFolder, mask_token


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose weights are in two shards."""
    for name in ("config.json", "tokenizer.json", "model-1.safetensors", "model-2.safetensors"):
        (tmp_path / name).write_text(name)
    shards = {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    return tmp_path


def test_weights_are_one_file_or_the_shards_of_an_index(folder: Path) -> None:
    found = ModelFolder.open(folder, weights=True)
    assert [file.name for file in found.weights[:2]] == ["model-1.safetensors", "model-2.safetensors"]
    (folder / "model.safetensors").write_text("whole")
    assert [file.name for file in ModelFolder.open(folder, weights=True).weights] == ["model.safetensors"]
    assert ModelFolder.open(folder, weights=False).weights == ()


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "model-1.safetensors", "model.safetensors.index.json"]
)
def test_the_checksum_is_of_every_file_that_is_read(folder: Path, name: str) -> None:
    before, without = (ModelFolder.open(folder, weights=weights).digest for weights in (True, False))
    assert before == ModelFolder.open(folder, weights=True).digest
    assert before.startswith("sha256:")
    content = (folder / name).read_text()
    (folder / name).write_text(content + " ")
    assert ModelFolder.open(folder, weights=True).digest != before
    assert (ModelFolder.open(folder, weights=False).digest != without) == (name in ("config.json", "tokenizer.json"))


def test_how_texts_are_written_counts_for_a_model_that_writes_them(folder: Path) -> None:
    before = ModelFolder.open(folder, weights=True, task="translation").digest
    assert before == ModelFolder.open(folder, weights=True).digest
    (folder / "generation_config.json").write_text("{}")
    assert ModelFolder.open(folder, weights=True).digest == before
    assert ModelFolder.open(folder, weights=True, task="translation").digest != before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "has no config.json; name a folder that"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer.json; load its tokenizer"),
        (lambda folder: (folder / "model-2.safetensors").unlink(), "has no model-2.safetensors, which"),
        (lambda folder: (folder / "model.safetensors.index.json").unlink(), "set spec.model.weights to Fresh"),
        (lambda folder: (folder / "model.safetensors.index.json").write_text("{"), "lists no shards"),
        *(
            (lambda folder, text=text: (folder / "model.safetensors.index.json").write_text(text), "lists no shards")
            for text in (
                '{"weight_map": 1}',
                '{"weight_map": {}}',
                '{"weight_map": {"a": 1}}',
                '{"weight_map": {"a": "../b"}}',
            )
        ),
    ],
)
def test_what_is_missing_is_named(folder: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(folder)
    with pytest.raises(BadInput, match=r"^spec\.model\.from: ") as error:
        ModelFolder.open(folder, weights=True)
    assert message in str(error.value)


def test_a_folder_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is no folder; name one with config\.json on the volume"):
        ModelFolder.open(tmp_path / "missing", weights=True)


def test_the_mask_is_that_of_the_settings_or_the_one_special_token_of_a_known_form(folder: Path) -> None:
    def write_added(**special: bool) -> None:
        added = [{"content": content, "special": is_special} for content, is_special in special.items()]
        (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))

    assert MASK in MASKS
    assert mask_token(folder) is None
    for mask in MASKS:
        write_added(**{"[CLS]": True, mask: True})
        assert mask_token(folder) == mask
        write_added(**{mask: False})
        assert mask_token(folder) is None
    write_added(**{"[MASK]": True, "<mask>": True})
    assert mask_token(folder) is None
    (folder / "special_tokens_map.json").write_text('{"mask_token": {"content": "<mask>"}}')
    assert mask_token(folder) == "<mask>"
    (folder / "tokenizer_config.json").write_text('{"mask_token": "[HOLE]"}')
    assert mask_token(folder) == "[HOLE]"


def test_the_settings_of_the_tokenizer_are_in_the_checksum_of_what_reads_them(folder: Path) -> None:
    without, before = (ModelFolder.open(folder, weights=True, task=task).digest for task in ("tagging", "masked"))
    assert before == without
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).write_text("{}")
        digest = ModelFolder.open(folder, weights=True, task="masked").digest
        assert digest != before
        before = digest
    assert ModelFolder.open(folder, weights=True).digest == without
