"""Questions as documents: those of a file in the layout of SQuAD, and that of a flat record."""

from collections.abc import Iterator, Mapping, Sequence

from llmtrain_trainer.data.bad_text import BadText, NotText, bad_record, display_name
from llmtrain_trainer.data.documents import Piece
from llmtrain_trainer.data.masked_records import mask_question
from llmtrain_trainer.data.personal_data import NOTHING, PersonalMasking, shown_text
from llmtrain_trainer.data.questions import NoQuestion, read_question, squad_records
from llmtrain_trainer.data.record_values import JSON, repaired, scalar, shown
from llmtrain_trainer.data.slice_columns import require_slices, slice_values
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.text_stream import open_stream

SQUAD_FIELDS = {"question": "question", "context": "context", "answers": "answers"}


def read_squad(
    file: TextFile, slices: Sequence[str], *, masking: PersonalMasking | None = None
) -> Iterator[Piece | BadText]:
    """Yield the questions of a file, which is read as a whole. NotText if it has another layout."""
    with open_stream(file) as stream:
        if stream.guessed:
            yield stream.guessed
        text = "".join(stream.blocks)
    try:
        records = list(squad_records(JSON.decode(text)))
    except (ValueError, RecursionError) as error:
        raise NotText(f"no questions: {error}", record="brokenRecord") from error
    for number, record in enumerate(records, start=1):
        place = f"question '{shown_text(str(record.get('id', number)), masking=masking)[:64]}': "
        found = question_in(record, SQUAD_FIELDS, file, number, slices=slices, place=place, masking=masking)
        replaced = sum(repaired(scalar(record.get(name)))[1] for name in ("question", "context"))
        if replaced and isinstance(found, Piece):
            reason = f"{place}invalid characters in the text"
            yield BadText(file=display_name(file.name), reason=reason, line=number, replaced=replaced)
        yield found


def question_in(
    record: Mapping[str, object],
    fields: Mapping[str, str],
    file: TextFile,
    number: int,
    *,
    slices: Sequence[str],
    offset: int = 0,
    place: str = "",
    masking: PersonalMasking | None = None,
) -> Piece | BadText:
    """Return the question of a record that ends at `offset`, with the values by which it is judged, or why it is none.

    `place` is where it is in a file whose lines say nothing, `masking` how personal data are masked. BadInput if it lacks one of the columns in `slices`.
    """
    try:
        question = read_question(record, **fields, masking=masking)
    except NoQuestion as error:
        reason = f"{place}{error.reason}"
        bad = bad_record(file.name, number, shown_text(reason, masking=masking), error.record)
        return bad.model_copy(update={"line": None}) if place else bad
    others = f"; it has {shown(list(record), masking=masking)}"
    values = require_slices(slice_values(record, slices, masking=masking), slices, file, number, others)
    question, masked = mask_question(question, masking) if masking else (question, NOTHING)
    return Piece(question.text, True, offset, number, question.label, masked, values)
