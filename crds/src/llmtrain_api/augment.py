"""Augmentation: how the words of texts to train on are changed.

The operations are those of EDA (Wei & Zou 2019), which recommends to change a tenth of the words.
"""

from typing import Annotated

from pydantic import Field

from llmtrain_api.model import Model

SHARE_FIELD, LEXICON_FIELD = "spec.training.augment.share", "spec.training.augment.synonyms"
"""Names of the fields, for messages and for the identity of a training."""
Share = Annotated[str, Field(min_length=3, max_length=16, pattern=r"^0\.(0[0-9]*[1-9][0-9]*|[1-4][0-9]*|50*)$")]
"""A number above 0 and at most 0.5 as a string, such as "0.1"."""


class Augment(Model):
    """How texts to train on are changed, in another way in each epoch, in the tasks classification and regression."""

    share: Share = "0.1"
    """Share of the words of a text that is changed, at least one: above 0 and at most 0.5."""
    synonyms: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """File with synonyms, relative to the root of the volume in `data.source` and outside of `data.source.path`: UTF-8 text with a line for each word, which has the word and its synonyms with a tab between them. Unset leaves out what needs synonyms."""
