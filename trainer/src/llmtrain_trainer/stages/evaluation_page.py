"""`evaluation.html` beside a published model: `evaluation.json` for people, as one page."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from xml.etree.ElementTree import Element

from llmtrain_trainer.checkpoint.history import HELD_OUT_LOSS, TRAINING_LOSS
from llmtrain_trainer.stages.line_chart import line_chart
from llmtrain_trainer.stages.page import Content, element, number, page, table

MAX_CLASSES = 40
"""Classes that a confusion is shown for."""
POSITIVE, NEGATIVE = "46, 139, 87", "205, 62, 62"
"""Colours of words that speak for and against an answer."""


def evaluation_page(report: Mapping[str, Any], *, job: str, task: str) -> str:
    """Return the page of what `evaluation.json` holds."""
    figures = [(name, report[name]) for name in ("samples", "written", "loss") if name in report]
    of_baselines = (
        (f"loss by {name}", loss) for name, loss in report.get("baselines", {}).items() if isinstance(loss, float)
    )
    parts = chain(
        [table(("", ""), [("task", task), *figures, *of_baselines])],
        _scores(report),
        _curves(report.get("history", {})),
        _sample(report),
        _by_class(report.get("scores", {})),
        _confusion(report),
        _slices(report.get("slices", {})),
        _explained(report.get("explained", ())),
        _nearest(report.get("nearest", {})),
    )
    return page(f"Evaluation of {job}", parts)


def _scores(report: Mapping[str, Any]) -> Iterator[Element]:
    """Yield the scores of all samples beside those of trivial methods."""
    baselines, scores = report.get("baselines", {}), report.get("scores", {})
    names = [name for name in scores if "/" not in name]
    if not names:
        return
    yield element("h2", "Scores")
    rows = (
        [
            name,
            scores[name],
            _interval(report, name),
            *(of_baseline.get(name, "") for of_baseline in baselines.values()),
        ]
        for name in names
    )
    yield table(("score", "model", "95 % interval", *baselines), rows, "Other columns are trivial methods.")


def _curves(history: Mapping[str, Mapping[str, Any]]) -> Iterator[Element]:
    """Yield the losses by step in one chart, and each score in one of its own."""
    names = {TRAINING_LOSS: "training loss", HELD_OUT_LOSS: "held-out loss"}
    losses = {title: history[name]["points"] for name, title in names.items() if name in history}
    scores = {name: {name: curve["points"]} for name, curve in history.items() if name not in names}
    charts = [line_chart(f"{title} by step", lines) for title, lines in {"loss": losses, **scores}.items()]
    found = [chart for chart in charts if chart is not None]
    if found:
        yield element("h2", "Training")
        yield element("p", "Of a long training only some steps are shown.", class_="note")
        yield from found


def _sample(report: Mapping[str, Any]) -> Iterator[Element]:
    """Yield the text that a model has written."""
    if report.get("sample"):
        yield element("h2", "Sample")
        yield element("p", report["sample"], class_="words")


def _by_class(scores: Mapping[str, float]) -> Iterator[Element]:
    """Yield the scores of each class or type."""
    found: dict[str, dict[str, float]] = {}
    for name, value in scores.items():
        kind, slash, of_class = name.partition("/")
        if slash:
            found.setdefault(of_class, {})[kind] = value
    if not found:
        return
    kinds = list(dict.fromkeys(kind for of_class in found.values() for kind in of_class))
    yield element("h2", "Scores by class")
    yield table(
        ("class", *kinds), ([name, *(of_class.get(kind, "") for kind in kinds)] for name, of_class in found.items())
    )


def _confusion(report: Mapping[str, Any]) -> Iterator[Element]:
    """Yield how often each class was predicted as each, darker where it is a greater part of its class."""
    counts, labels = report.get("confusion"), report.get("labels")
    if not counts or not labels:
        return
    yield element("h2", "Confusion")
    if len(labels) > MAX_CLASSES:
        yield element("p", f"evaluation.json has that of all {len(labels)} classes.", class_="note")
        return
    rows = ([label, *(_shaded(count, sum(row)) for count in row)] for label, row in zip(labels, counts, strict=True))
    yield table(("class", *labels), rows, "Rows are labels, columns are predictions.")


def _slices(slices: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Element]:
    """Yield the scores by the value of each column."""
    for column, of_column in slices.items():
        names = list(dict.fromkeys(name for each in of_column for name in each["scores"]))
        yield element("h2", f"Scores by {column}")
        rows = (
            [_value(each), each["samples"], *chain.from_iterable(_score(each, name) for name in names)]
            for each in of_column
        )
        yield table((column, "samples", *chain.from_iterable((name, "95 % interval") for name in names)), rows)


def _explained(explained: Sequence[Mapping[str, Any]]) -> Iterator[Element]:
    """Yield texts whose words are shaded by what they count for the answer."""
    if not explained:
        return
    yield element("h2", "Explained answers")
    yield element("p", "Green words speak for the answer, red ones against it; darker ones more.", class_="note")
    for each in explained:
        answer = ", ".join(f"{name} {_text(value)}" for name, value in each["answer"].items())
        yield element("h3", f"Sample {each['sample']}: label {_text(each['label'])}; {answer}")
        for name, values in (("integrated gradients", each["integratedGradients"]), ("occlusion", each["occlusion"])):
            yield element("div", name, class_="note")
            yield element("p", *_words(each["words"], values), class_="words")


def _nearest(nearest: Mapping[str, Mapping[str, float]]) -> Iterator[Element]:
    """Yield the words nearest to frequent ones."""
    if nearest:
        yield element("h2", "Nearest words")
        yield table(("word", "nearest"), ([word, ", ".join(others)] for word, others in nearest.items()))


def _words(words: Sequence[str], values: Sequence[float]) -> Iterator[Element]:
    greatest = max(map(abs, values), default=0.0) or 1.0
    for word, value in zip(words, values, strict=True):
        colour = POSITIVE if value > 0 else NEGATIVE
        style = f"background: rgba({colour}, {abs(value) / greatest * 0.8:.2f})"
        yield element("span", word, style=style, title=number(value))


def _shaded(count: int, all_of_row: int) -> Element:
    fraction = count / all_of_row if all_of_row else 0.0
    return element("span", count, style=f"background: rgba(122, 166, 216, {fraction:.2f}); padding: 0 .4em")


def _value(each: Mapping[str, Any]) -> Content:
    if "otherValues" in each:
        return element("i", f"{each['otherValues']} other values")
    return each["value"] or element("i", "empty")


def _score(each: Mapping[str, Any], name: str) -> tuple[Content, Content]:
    return each["scores"].get(name, ""), _interval(each, name)


def _interval(report: Mapping[str, Any], name: str) -> str:
    found = report.get("intervals", {}).get(name)
    return f"{number(found[0])} – {number(found[1])}" if found else ""


def _text(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
