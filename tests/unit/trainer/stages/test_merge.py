"""The weights of models of one shape are averaged, and others are refused with what differs."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from llmtrain_trainer.data.tokenizer import tokenizer_json, train_words, words_of
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.classifier_folder import load_classifier
from llmtrain_trainer.models.vectors_folder import VECTORS, WordVectors, load_vectors, save_vectors
from llmtrain_trainer.stages.merge import main, merge
from unit.trainer.published_models import publish_network


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Three published networks of one shape."""
    return [publish_network(tmp_path / name, seed) for seed, name in enumerate("abc")]


def test_each_weight_is_the_mean_rounded_once(folders: list[Path], tmp_path: Path) -> None:
    count = merge(folders, tmp_path / "out")
    merged = load_file(tmp_path / "out" / "model.safetensors")
    weights = [load_file(folder / "model.safetensors") for folder in folders]
    assert merged.keys() == weights[0].keys()
    for name, weight in merged.items():
        expected = np.mean([each[name].double().numpy() for each in weights], axis=0).astype(np.float32)
        assert weight.numpy().tobytes() == expected.tobytes(), name
    assert count == sum(weight.numel() for weight in merged.values())


def test_the_order_of_the_models_is_that_of_the_sum(tmp_path: Path, folders: list[Path]) -> None:
    merge(folders, tmp_path / "out")
    merge([folders[2], folders[0], folders[1]], tmp_path / "other")
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("out", "other"))
    assert all(torch.allclose(one[name], other[name], rtol=1e-6, atol=0) for name in one)


def test_a_merged_folder_is_a_published_one_that_was_not_judged(folders: list[Path], tmp_path: Path) -> None:
    merge(folders, tmp_path / "new" / "out")
    _, config = load_classifier(tmp_path / "new" / "out")
    assert config.labels == ["no", "yes"]
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]


def test_the_text_of_averaged_word_vectors_is_that_of_their_weights(tmp_path: Path) -> None:
    tokenizer = train_words(["a b b c c c"], 1)
    words = words_of(tokenizer)
    for number, name in enumerate(("a", "b")):
        vectors = np.full((len(words) + 1, 4), number, dtype=np.float32)
        (tmp_path / name).mkdir()
        published = WordVectors(words=words, vectors=vectors[1:])
        save_vectors(published, {VECTORS: vectors}, tokenizer_json(tokenizer), tmp_path / name)
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert (load_vectors(tmp_path / "out", words).vectors == 0.5).all()
    assert (tmp_path / "out" / "vectors.txt").read_text().splitlines()[1] == f"{words[0]} 0.5 0.5 0.5 0.5"


def edit(folder: Path, **fields: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda folder: edit(folder, labels=["yes", "no"]),
            r'^config\.json: labels is \["no", "yes"\] in .*a\', but \["yes", "no"\] in .*b\'; merge models that differ in',
            id="other labels",
        ),
        pytest.param(
            lambda folder: edit(folder, sizes={"layers": 2, "width": 8}),
            r"^config\.json: sizes\.layers is 1 in .*, but 2 in ",
            id="another size",
        ),
        pytest.param(
            lambda folder: (folder / "llmtrain.json").write_text('{"maxTokens": 3}'),
            r"^llmtrain\.json: maxTokens is not set in .*, but 3 in ",
            id="another use",
        ),
        pytest.param(
            lambda folder: (folder / "tokenizer.json").write_text("{}"),
            r"differ, so a token is another one; merge models with one tokenizer$",
            id="another tokenizer",
        ),
        pytest.param(
            lambda folder: (folder / "config.json").write_text("{"), r"config\.json' is not valid", id="a broken file"
        ),
        pytest.param(
            lambda folder: (folder / "model.safetensors").unlink(), r"b' has no model\.safetensors", id="no weights"
        ),
        pytest.param(
            lambda folder: (folder / "model.safetensors").write_bytes(b"{"),
            r"model\.safetensors' is damaged: .*; publish the model again$",
            id="damaged weights",
        ),
    ],
)
def test_models_that_differ_are_refused_with_both_values(
    folders: list[Path], tmp_path: Path, change: Callable[[Path], object], message: str
) -> None:
    change(folders[1])
    with pytest.raises(BadInput, match=message):
        merge(folders, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    one, other = publish_network(tmp_path / "a", 1), publish_network(tmp_path / "b", 1, width=16)
    (other / "config.json").write_bytes((one / "config.json").read_bytes())
    with pytest.raises(BadInput, match=r"^the weight .* has the shape .*; merge models of one shape$"):
        merge([one, other], tmp_path / "out")
    third = publish_network(tmp_path / "c", 1, name="lstm")
    (third / "config.json").write_bytes((one / "config.json").read_bytes())
    with pytest.raises(BadInput, match=r"the weight .*; merge models of one"):
        merge([one, third], tmp_path / "out")


def test_fields_about_the_origin_of_a_file_may_differ(folders: list[Path], tmp_path: Path) -> None:
    edit(folders[0], transformers_version="5.1")
    edit(folders[1], transformers_version="5.2")
    assert main([*map(str, folders), str(tmp_path / "out")]) == 0


def test_one_model_and_a_folder_that_exists_are_refused(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folders[0]), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("only one model is named; ")
    assert main([str(folders[0]), str(folders[1]), str(folders[2])]) == 2
    assert capsys.readouterr().err == f"'{folders[2]}' is there already; name a new folder\n"


@pytest.mark.parametrize("number", [0, 1])
def test_a_folder_without_a_tokenizer_is_refused(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    (folders[number] / "tokenizer.json").unlink()
    assert main([*map(str, folders), str(tmp_path / "out")]) == 2
    message = f"'{folders[number]}' has no tokenizer.json; name the folder that a job published\n"
    assert capsys.readouterr().err == message


def test_files_in_the_place_of_folders_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file"), str(tmp_path / "file"), str(tmp_path / "out")]) == 2
    assert f"'{tmp_path / 'file'}' has no tokenizer.json; " in capsys.readouterr().err


@pytest.mark.parametrize("target", ["file/out", "file/new/out", "x" * 255])
def test_a_folder_that_cannot_be_created_is_refused(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    (tmp_path / "file").touch()
    assert main([*map(str, folders), str(tmp_path / target)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"'{tmp_path / target}' can't be written: ")
    assert message.endswith("; name a folder that can be created\n")


def test_a_folder_without_permission_is_refused(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", deny)
    assert main([*map(str, folders), str(tmp_path / "out")]) == 2
    assert "out' can't be written: Permission denied; name a folder" in capsys.readouterr().err
