"""The values by which records are judged have no personal data where texts have none."""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from llmtrain_trainer.data.documents import Piece
from llmtrain_trainer.data.labels import LabelKind
from llmtrain_trainer.data.personal_data import BUILT_IN
from llmtrain_trainer.data.records import RecordLayout, RecordReader
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import text_file, write

LONG = f"{'to ' * 80}jane.doe.of@mail.example"
"""An address that is cut where values are cut."""
SHOWN = f"{'to ' * 80}[EMAIL]"
RECORD = {"text": "a text", "label": "yes", "from": LONG}
QUESTION = {"question": "who?", "text": "a text", "label": [], "from": LONG}


def write_record(folder: Path, name: str) -> LabelKind:
    """Write one record in a format; return what its label is."""
    if name == "a.parquet":
        pyarrow.parquet.write_table(pyarrow.table({key: [value] for key, value in RECORD.items()}), folder / name)
    elif name == "a.csv":
        (folder / name).write_text(f"text,label,from\na text,yes,{LONG}\n")
    else:
        (folder / name).write_text(json.dumps(QUESTION if name == "questions.jsonl" else RECORD))
    return "span" if name == "questions.jsonl" else "class"


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet", "questions.jsonl"])
@pytest.mark.parametrize(("masks", "value"), [(True, SHOWN), (False, LONG[:256])])
def test_values_are_masked_before_they_are_cut(tmp_path: Path, name: str, masks: bool, value: str) -> None:
    layout = RecordLayout(
        label="label", kind=write_record(tmp_path, name), masking=BUILT_IN if masks else None, slices=("from",)
    )
    pieces = RecordReader(file=text_file(tmp_path / name), column="text", layout=layout).read()
    assert [piece.slices for piece in pieces if isinstance(piece, Piece)] == [(value,)]


def test_the_names_in_a_message_are_masked(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", json.dumps({"text": "a text", "label": "yes", "to jane@mail.example": 1}))
    layout = RecordLayout(label="label", masking=BUILT_IN, slices=("from",))
    with pytest.raises(BadInput, match=r"no field 'from'; the object has 'text', 'label', 'to \[EMAIL\]'; name"):
        list(RecordReader(file=file, column="text", layout=layout).read())
