"""Accuracy of tags, and precision, recall and F1 of entities (Tjong Kim Sang & De Meulder 2003).

Entities are found as the script `conlleval` and seqeval's default mode do: a tag other than `O` that continues no entity
starts one, so `I-PER` after `O` is an entity. An entity is right if its type, its first and its last word are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmtrain_trainer.metrics.metric import Floats, Scores, ratios, weighted_sums

_ENTITY_TAG = re.compile(r"[BIES]-(.+)")


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """Scores of a tagger: `accuracy` over all words; and, if all tags are `O` or of the form `B-PER` (also `I-`, `E-`, `S-`),
    `entityPrecision`, `entityRecall` and `entityF1` over all entities, and `entityF1/TYPE`.
    """

    tag_names: tuple[str, ...]

    @property
    def columns(self) -> int:
        """Right tags and words; right, labelled and predicted entities of each type."""
        return 2 + 3 * len(self.entity_types)

    @property
    def entity_types(self) -> tuple[str, ...]:
        """Types of entities, sorted; none if the tags are not those of entities, but for example parts of speech."""
        found = {tag: _ENTITY_TAG.fullmatch(tag) for tag in self.tag_names if tag != "O"}
        return tuple(sorted({match[1] for match in found.values() if match})) if all(found.values()) else ()

    def rows(self, labels: Sequence[Sequence[int]], predicted: Sequence[Sequence[int]]) -> Floats:
        """Return the rows of a batch, from the number of the tag of each word. ValueError for a word without two tags."""
        types = self.entity_types
        rows_BC = np.zeros((len(labels), self.columns))
        for row, label_tags, predicted_tags in zip(rows_BC, labels, predicted, strict=True):
            if len(label_tags) != len(predicted_tags):
                raise ValueError(f"{len(predicted_tags)} predicted tags for {len(label_tags)} words")
            row[:2] = sum(a == b for a, b in zip(label_tags, predicted_tags, strict=True)), len(label_tags)
            if types:
                of_labels = entities([self.tag_names[tag] for tag in label_tags])
                of_predicted = entities([self.tag_names[tag] for tag in predicted_tags])
                for kind, found in enumerate((of_labels & of_predicted, of_labels, of_predicted)):
                    for type_name, _, _ in found:
                        row[2 + kind * len(types) + types.index(type_name)] += 1
        return rows_BC

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        sums_RC = weighted_sums(table_SC, weights_RS)
        scores = {"accuracy": ratios(sums_RC[:, 0], sums_RC[:, 1])}
        types = self.entity_types
        if not types:
            return scores
        hits_RT, labels_RT, predicted_RT = np.split(sums_RC[:, 2:], 3, axis=1)
        hits_R, labels_R, predicted_R = (counts_RT.sum(axis=1) for counts_RT in (hits_RT, labels_RT, predicted_RT))
        defined_R = labels_R + predicted_R > 0
        scores["entityPrecision"] = np.where(defined_R, ratios(hits_R, predicted_R, of_nothing=0.0), np.nan)
        scores["entityRecall"] = np.where(defined_R, ratios(hits_R, labels_R, of_nothing=0.0), np.nan)
        scores["entityF1"] = ratios(2 * hits_R, labels_R + predicted_R)
        f1_RT = ratios(2 * hits_RT, labels_RT + predicted_RT)
        return scores | {f"entityF1/{name}": f1_RT[:, number] for number, name in enumerate(types)}


def entities(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Return type, first and last word of each entity in the tags of a sequence."""
    found = set()
    start, previous, previous_type = 0, "O", ""
    for position, tag in enumerate([*tags, "O"]):
        prefix, _, type_name = tag.partition("-")
        if previous in "ES" or prefix in "BS" or type_name != previous_type:
            if previous != "O":
                found.add((previous_type, start, position - 1))
            start = position
        previous, previous_type = prefix, type_name
    return found
