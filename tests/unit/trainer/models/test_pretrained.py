"""Networks of `transformers`: the weights of a folder, the library's logits, and sentences about what does not fit."""

import json
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertForPreTraining,
    BertModel,
    GPT2Config,
    PatchTSTConfig,
    RobertaConfig,
    T5Config,
)

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.pretrained import HEADS, PretrainedClassifier, classifier_config, import_architecture
from support.bert_folder import POSITIONS, write_bert_folder

TASK = "classification"
LABELS = ("animal", "mineral", "plant")
TOKENS, LENGTHS = torch.tensor([[2, 8, 9, 10, 3], [2, 7, 3, 0, 0]]), torch.tensor([5, 3])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert_folder(tmp_path_factory.mktemp("bert"), ["fox", "quartz"])


def make(folder: Path, *, labels: tuple[str, ...] = LABELS, max_tokens: int = 12) -> PretrainedClassifier:
    config = classifier_config(folder, TASK, labels, vocab_size=20, max_tokens=max_tokens)
    return PretrainedClassifier(config, TASK)


def weights(model: PretrainedClassifier) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.network.named_parameters()}


def test_the_body_is_loaded_and_the_head_drawn_from_the_seed(folder: Path) -> None:
    one, same, other = (make(folder) for _ in range(3))
    before = torch.get_rng_state()
    for model, seed in ((one, 0), (same, 0), (other, 1)):
        model.init_weights(seed, folder)
    assert torch.equal(torch.get_rng_state(), before)
    saved = dict(BertModel.from_pretrained(folder).named_parameters())
    assert all(torch.equal(weight, weights(one)[f"bert.{name}"]) for name, weight in saved.items())
    assert all(torch.equal(weight, weights(same)[name]) for name, weight in weights(one).items())
    differing = {name for name, weight in weights(other).items() if not torch.equal(weight, weights(one)[name])}
    assert differing == {"classifier.weight"}


def test_without_a_folder_all_weights_are_drawn(folder: Path) -> None:
    fresh, same = make(folder), make(folder)
    fresh.init_weights(0)
    same.init_weights(0)
    assert all(torch.equal(weight, weights(same)[name]) for name, weight in weights(fresh).items())
    embedding = "bert.embeddings.word_embeddings.weight"
    loaded = make(folder)
    loaded.init_weights(0, folder)
    assert not torch.equal(weights(fresh)[embedding], weights(loaded)[embedding])


def test_a_head_is_kept_for_the_same_labels_and_drawn_again_for_others(folder: Path, tmp_path: Path) -> None:
    before = make(folder)
    before.init_weights(5, folder)
    before.network.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("")
    head = "classifier.weight"
    for labels, kept in ((LABELS, True), (LABELS[::-1], False), (LABELS[:2], False)):
        model = make(tmp_path, labels=labels)
        model.init_weights(0, tmp_path)
        assert torch.equal(weights(model)["bert.pooler.dense.weight"], weights(before)["bert.pooler.dense.weight"])
        assert (weights(model)[head].shape == weights(before)[head].shape) == (len(labels) == 3)
        assert (len(labels) == 3 and torch.equal(weights(model)[head], weights(before)[head])) == kept


def test_logits_are_the_librarys_and_padding_has_no_influence(folder: Path) -> None:
    model = make(folder)
    model.init_weights(0, folder)
    logits = model(TOKENS, LENGTHS)
    single = model.network.eval()(input_ids=TOKENS[1:, :3]).logits
    assert torch.allclose(logits[1:], single, atol=1e-6)
    other = TOKENS.clone()
    other[1, 3:] = 9
    assert torch.equal(model(other, LENGTHS), logits)


@pytest.mark.parametrize(
    ("task", "shape"), [("regression", (2, 1)), ("tagging", (2, 5, 3)), ("question-answering", (2, 5, 2))]
)
def test_outputs_are_the_librarys_for_each_task(
    folder: Path, tmp_path: Path, task: str, shape: tuple[int, ...]
) -> None:
    labels = LABELS if task == "tagging" else ()
    config = classifier_config(folder, task, labels, vocab_size=20, max_tokens=12)
    model = PretrainedClassifier(config, task, separator=9)
    model.init_weights(0, folder)
    outputs = model(TOKENS, LENGTHS)
    assert outputs.shape == shape
    model.network.save_pretrained(tmp_path)
    loaded = HEADS[task].from_pretrained(tmp_path)
    segments = [0, 0, 0, 1, 1] if task == "question-answering" else [0] * 5
    of_library = loaded(input_ids=TOKENS[:1], token_type_ids=torch.tensor([segments]))
    expected = (
        torch.stack([of_library.start_logits, of_library.end_logits], -1)
        if task == "question-answering"
        else of_library.logits
    )
    assert torch.allclose(outputs[:1], expected, atol=1e-6)
    assert {"regression": "regression"}.get(task) == loaded.config.problem_type


def test_a_head_of_another_task_is_drawn_again(folder: Path, tmp_path: Path) -> None:
    before = make(folder)
    before.init_weights(5, folder)
    before.network.save_pretrained(tmp_path)
    config = classifier_config(tmp_path, "tagging", LABELS, vocab_size=20, max_tokens=12)
    model = PretrainedClassifier(config, "tagging")
    model.init_weights(0, tmp_path)
    head, body = "classifier.weight", "bert.embeddings.word_embeddings.weight"
    assert torch.equal(weights(model)[body], weights(before)[body])
    assert weights(model)[head].shape == weights(before)[head].shape
    assert not torch.equal(weights(model)[head], weights(before)[head])


@pytest.mark.parametrize("architectures", [None, ["BertForPreTraining"], ["BertForMaskedLM"]])
def test_the_head_of_masked_tokens_is_that_of_the_library_whatever_class_the_folder_names(
    folder: Path, tmp_path: Path, architectures: list[str] | None
) -> None:
    torch.manual_seed(3)
    saved = BertForPreTraining.from_pretrained(folder)
    torch.nn.init.normal_(saved.cls.predictions.bias)
    saved.save_pretrained(tmp_path)
    write_config(tmp_path, **json.loads((tmp_path / "config.json").read_text()) | {"architectures": architectures})
    config = classifier_config(tmp_path, "masked", (), vocab_size=20, max_tokens=12)
    model = PretrainedClassifier(config, "masked")
    model.init_weights(0, tmp_path)
    of_library = AutoModelForMaskedLM.from_pretrained(tmp_path)(input_ids=TOKENS[:1])
    assert torch.allclose(model(TOKENS, LENGTHS)[:1], of_library.logits, atol=1e-6)


def test_a_head_of_masked_tokens_that_is_not_there_is_drawn(folder: Path) -> None:
    config = classifier_config(folder, "masked", (), vocab_size=20, max_tokens=12)
    models = [PretrainedClassifier(config, "masked") for _ in range(3)]
    for seed, model in zip((0, 0, 1), models, strict=True):
        model.init_weights(seed, folder)
    one, same, other = (weights(model) for model in models)
    assert all(torch.equal(weight, same[name]) for name, weight in one.items())
    assert {name for name, weight in other.items() if not torch.equal(weight, one[name])} == {
        "cls.predictions.transform.dense.weight"
    }


def test_dropout_is_on_only_where_it_is_asked_for(folder: Path) -> None:
    model = make(folder)
    model.init_weights(0, folder)
    assert model.dropout == 0.1
    outputs = []
    for dropout in (0.0, 0.1, 0.1, 0.0):
        torch.manual_seed(len(outputs))
        outputs.append(model(TOKENS, LENGTHS, dropout))
    assert torch.equal(outputs[0], outputs[3])
    assert len({tuple(output.flatten().tolist()) for output in outputs}) == 3


def write_config(folder: Path, **fields: object) -> Path:
    (folder / "config.json").write_text(json.dumps(fields))
    return folder


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_type": "no-such"}, "describes no model that this version of transformers knows"),
        ({}, "describes no model that this version of transformers knows"),
        (PatchTSTConfig().to_dict(), "a model of type 'patchtst' can't do the task classification"),
        (GPT2Config(vocab_size=50).to_dict(), "has no pad_token_id"),
        ({"model_type": "bert", "vocab_size": 19}, "has 20 tokens, and the embedding of the model only 19"),
        (
            {"model_type": "bert", "max_position_embeddings": 8},
            "spec.data.maxTokens: 12 is more than the 8 positions of the model in spec.model.from; set it to at most 8",
        ),
        (RobertaConfig(max_position_embeddings=13).to_dict(), "more than the 11 positions"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(tmp_path: Path, fields: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as error:
        classifier_config(write_config(tmp_path, **fields), TASK, LABELS, vocab_size=20, max_tokens=12)
    assert message in str(error.value)
    assert str(error.value).startswith("spec.")


@pytest.mark.parametrize(
    ("task", "fields", "other"),
    [
        ("translation", {"model_type": "bert"}, "an encoder-decoder, such as t5"),
        ("summarization", {"model_type": "bert"}, "an encoder-decoder, such as t5"),
        ("masked", {"model_type": "t5"}, "an encoder, such as bert"),
    ],
)
def test_a_model_of_the_kind_that_does_the_task_is_recommended(
    tmp_path: Path, task: str, fields: dict[str, object], other: str
) -> None:
    with pytest.raises(BadInput, match=rf"can't do the task {task}, .*; name a folder with {other}$"):
        classifier_config(write_config(tmp_path, **fields), task, (), vocab_size=20, max_tokens=12)


def test_the_longest_sample_may_take_all_positions(folder: Path) -> None:
    assert classifier_config(folder, TASK, LABELS, vocab_size=20, max_tokens=POSITIONS).num_labels == 3


def test_relative_positions_take_samples_of_any_length(tmp_path: Path) -> None:
    folder = write_config(tmp_path, **T5Config(vocab_size=20, n_positions=8).to_dict())
    config = classifier_config(folder, TASK, LABELS, vocab_size=20, max_tokens=12)
    assert (config.n_positions, config.num_labels) == (8, 3)
    write_config(tmp_path, **config.to_dict() | {"max_position_embeddings": 8})
    with pytest.raises(BadInput, match="more than the 8 positions"):
        classifier_config(folder, TASK, LABELS, vocab_size=20, max_tokens=12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 32}, r"bert\.embeddings\.\S+ is of shape \(\d*,? ?16,?\), not \(\d*,? ?32,?\)"),
        ({"num_hidden_layers": 3}, r"bert\.encoder\.layer\.2\.\S+ is missing"),
    ],
)
def test_weights_that_do_not_fit_the_configuration_are_refused(
    folder: Path, tmp_path: Path, changes: dict[str, int], message: str
) -> None:
    write_config(tmp_path, **json.loads((folder / "config.json").read_text()) | changes)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(BadInput, match=message):
        make(tmp_path).init_weights(0, tmp_path)


def test_damaged_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    write_config(tmp_path, **json.loads((folder / "config.json").read_text()))
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(BadInput, match=r"^spec\.model\.from: '.*' can't be loaded: .*; copy the folder again$"):
        make(tmp_path).init_weights(0, tmp_path)


def test_the_module_of_an_architecture_can_be_imported_before_it_is_needed(folder: Path) -> None:
    import_architecture(TASK, folder)
    assert AutoModelForSequenceClassification._model_mapping[type(make(folder).config)].__name__.startswith("Bert")
