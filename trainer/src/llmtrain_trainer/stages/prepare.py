"""The prepare stage: makes a dataset directory of the text, named by a hash of text and settings.

The text is read in pieces, so that memory does not grow with it, by several processes, which write what they have done beside
the dataset to be: a process that starts after another one was killed continues there. A job whose dataset exists reads no
text.
"""

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.data.dataset import prepared_root
from llmtrain_trainer.data.processes import WHOLE, Part
from llmtrain_trainer.data.source_index import find_source, source_key
from llmtrain_trainer.stages.data_page import write_data_page
from llmtrain_trainer.stages.epochs import with_steps
from llmtrain_trainer.stages.lexicon_coverage import lexicon_coverage, require_augmentation
from llmtrain_trainer.stages.model_check import require_model
from llmtrain_trainer.stages.preparation import Preparation
from llmtrain_trainer.stages.shapes import sample_shape, source_settings
from llmtrain_trainer.stages.sources import list_source
from llmtrain_trainer.stages.vector_coverage import vector_coverage


def prepare(run: RunConfig, log: JsonLog, part: Part = WHOLE) -> TerminationMessage:
    """Create the job's dataset unless it exists, and describe it in the termination message.

    A `part` other than the first helps another pod to create it, and describes none. BadInput if the text is missing, too short, or bad where `data.onBadText` is Fail.
    """
    root = prepared_root(run.data_directory)
    shape, source = sample_shape(run), list_source(run)
    require_model(run, shape)
    require_augmentation(run, shape.tokenizer.tokenizer if shape.tokenizer else None)
    key = source_key(source.listing, source_settings(run, shape))
    found = find_source(root, key)
    if part.index and found is not None:
        return TerminationMessage(reason="Completed", message="the dataset exists")
    if found is None:
        preparation = Preparation(run, log, shape=shape, source=source, key=key, root=root, part=part)
        if part.index:
            return TerminationMessage(reason="Completed", message=preparation.help())
        found = preparation.run()
    file, report = found
    write_data_page(run, root / file.info.id, file, report)
    info = report.describe(file.info)
    shape.require_usable(file)
    training = with_steps(run, info.id).training
    for label, missing_from in file.missing_classes:
        log.warning(TrainerEvent.CLASS_MISSING, label=label, part=missing_from)
    vectors, synonyms = vector_coverage(run, info.id), lexicon_coverage(run, info.id)
    log.info(
        TrainerEvent.PREPARED,
        **info.model_dump(),
        files=report.files,
        sources={source.name: source.tokens for source in file.sources} or None,
        vectors=vectors.model_dump() if vectors else None,
        synonyms=synonyms._asdict() if synonyms else None,
    )
    described = (shape.describe(info), ", ".join(map(str, file.sources)), info.missing_class, vectors, synonyms)
    message = "; ".join(str(each) for each in described if each)
    if training.epochs is not None:
        message += f"; {training.epochs} epochs are {training.total_steps} steps"
    if info.first_finding:
        message += (
            f"; {info.replaced_bytes} invalid bytes replaced, {info.left_out} files or lines left out, the first is "
            f"{info.first_finding}"
        )
    return TerminationMessage(reason="Completed", message=message, dataset=info)
