"""The folder of a classifier gives it back, or says what is wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from llmtrain_api.job import ModelSpec
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.classifier import BODIES, build_classifier, sizes_for
from llmtrain_trainer.models.classifier_folder import ClassifierConfig, load_classifier, save_classifier, sizes_document
from llmtrain_trainer.models.pooling import mean_state


def saved(folder: Path, name: str = "encoder") -> dict[str, torch.Tensor]:
    """Save a classifier; return its weights."""
    sizes = sizes_for(ModelSpec(name=name, width=16))
    model = build_classifier(name, sizes, vocab_size=50, pooling=mean_state, outputs=2)
    model.init_weights(1)
    config = ClassifierConfig(
        architecture=name,
        sizes=sizes_document(sizes),
        vocab_size=50,
        labels=["no", "yes"],
        max_tokens=9,
        text_column="t",
    )
    folder.mkdir()
    save_classifier(model, config, "{}", folder)
    return model.state_dict()


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_classifier_comes_back(tmp_path: Path, name: str) -> None:
    weights = saved(tmp_path / "model", name)
    model, config = load_classifier(tmp_path / "model")
    assert (config.labels, config.max_tokens, config.text_column) == (["no", "yes"], 9, "t")
    assert all(torch.equal(weights[key], value) for key, value in model.state_dict().items())


def edit(**fields: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | fields))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "holds no model: config.json is missing; name the folder"),
        (lambda folder: (folder / "model.safetensors").unlink(), "holds no model: .* is missing; name the folder"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json is not valid"),
        (edit(model_type="llama"), "describes a model of type 'llama', which llmtrain can't apply; name"),
        (edit(sizes={"layers": 2}), "config.json is not valid"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"{"),
            "model.safetensors is damaged: .*; publish the",
        ),
        (edit(task="regression"), "config.json is not valid: .*"),
        (edit(labels=["a", "b", "c"]), "model.safetensors does not fit config.json: .*size mismatch for head.weight"),
    ],
)
def test_a_folder_that_is_no_classifier_is_refused(
    tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    saved(tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(BadInput, match=message):
        load_classifier(tmp_path / "model")
