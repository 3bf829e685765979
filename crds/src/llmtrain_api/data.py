"""The data of a job: where they are, and how they are read, split and tokenized."""

import math
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from llmtrain_api.model import MapModel, Model, ObjectName

ColumnName = Annotated[str, Field(min_length=1, max_length=256)]
"""The name that the data has for a column."""

NamedPattern = Annotated[str, Field(min_length=3, max_length=256, pattern=r"^[A-Za-z]+=.+$")]
"""A regular expression after a name and "="."""


class Source(Model):
    """Location of the training text. Set exactly one of `path` and `bundled`. With an entrypoint, `path` is optional and passed to the program."""

    volume: ObjectName
    """Volume that holds the text and the tokenized datasets: a PersistentVolumeClaim in this namespace, or a storage pool of the LLMCluster."""
    path: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """File or directory, relative to the root of the volume. Names that end in .jsonl or .parquet hold a document in each line or row; any other file is one document of text in UTF-8, or in UTF-16 with a byte order mark. Those that end in .gz after that are decompressed."""
    bundled: Literal["python-stdlib"] | None = None
    """Text that is part of the trainer image. python-stdlib is the source code of Python's standard library."""


class Tokenizer(Model):
    """How text is split into tokens."""

    kind: Literal["bpe", "wordpiece", "words", "nltk", "spacy"] = "bpe"
    """Tokenizer algorithm. bpe is byte-level byte-pair encoding, trained on the job's text. wordpiece cuts words in lower case into pieces, trained on the text too. words are whole words in lower case; rare ones are one unknown word. nltk and spacy are the same, with words as NLTK's NLTKWordTokenizer or spaCy's English rules split them; the library has to be installed in the trainer's image."""
    vocab_size: Annotated[int, Field(ge=257, le=1048576)] = 4096
    """Size of the vocabulary of kinds bpe and wordpiece, including special tokens."""
    min_count: Annotated[int, Field(ge=1, le=1_000_000_000)] = 5
    """How often a word of kinds words, nltk and spacy occurs at least in the text that the tokenizer is trained on."""
    sample_bytes: Annotated[int, Field(ge=65536, le=17179869184)] = 33554432
    """Bytes of training text, spread evenly over all of it, that the tokenizer is trained on. The rest is not looked at where words hardly repeat, as in genomes, because memory grows with the number of different words."""


class Columns(MapModel):
    """Where records hold what the task uses: names of the data by names of the task."""

    model_config = ConfigDict(json_schema_extra={"maxProperties": 16})
    __pydantic_extra__: dict[str, ColumnName] = Field(init=False)

    text: ColumnName = "text"
    """Text of a document or record; in the tasks translation and summarization the one that is read."""
    question: ColumnName = "question"
    """Question about a text, in the task question-answering."""
    label: ColumnName = "label"
    """Label of a text, its number in the task regression, the tags of its words in the task tagging, the answers in the task question-answering, or the text to write in the tasks translation and summarization."""
    user: ColumnName = "user"
    """Name of a user, in the task recommendation."""
    item: ColumnName = "item"
    """Name of what a user bought, saw or read, in the task recommendation."""
    time: ColumnName = "time"
    """Time of that, in the task recommendation: a number, or a date such as 2026-11-30T12:00:00Z."""


Mixture = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=256)],
        Annotated[int, Field(ge=1, le=1000)],
    ],
    Field(min_length=1, max_length=16),
]
"""The weight of each source, by its path below that of `data.source`."""


class HeldOut(Model):
    """Records that are held out from training."""

    path: Annotated[str, Field(min_length=1, max_length=512)]
    """File or directory, relative to the root of the volume in `data.source`. Texts that are here and in `data.source` are only held out."""


class Data(Model):
    """The training data. Text is tokenized once; jobs with the same text and settings share the dataset."""

    source: Source
    """Location of the training text."""
    mixture: Mixture | None = None
    """Sources that are mixed, in any task but recommendation: files or directories below `source.path`, each with its weight. Of as many samples in a row as the weights are together, each source gives as many as its weight, and begins again, in another order, when it has given all. One tokenizer is trained on all sources, each is held out from in its own share, and a text of several sources belongs to the first by name. Other weights prepare nothing again."""
    tokenizer: Tokenizer = Tokenizer()
    """How text is split into tokens."""
    columns: Columns = Columns()
    """Where records hold what the task uses. Keys are the task's names, values those of the data: a field of the JSON objects in JSONL files, or a column of CSV, TSV and Parquet files. A number is a column, from 1, of CSV and TSV files whose first line does not name the columns. With format Parallel `text` and `label` are names of files. A key that is absent stands for a column of the same name. The keys are:"""
    format: Literal[
        "Auto", "Jsonl", "Csv", "Tsv", "Parquet", "LabelFolders", "Conll", "Squad", "Trees", "Parallel", "Gettext"
    ] = "Auto"
    """Format of records, in tasks that learn from them. Auto chooses it by the name of each file: .jsonl or .ndjson, .csv, .tsv, .parquet, .conll, .trees, .po and .mo, and LabelFolders for any other, or Conll in the task tagging, or Parallel in the tasks translation and summarization if `columns` names the file. In the task question-answering .json is Squad. CSV and TSV files begin with the names of their columns. LabelFolders are directories named by a label, in which each file is a text. Conll files have a word in each line, first, and its tag, last, and an empty line after each sentence. Squad files have the layout of SQuAD 1 and 2. Trees files have a sentence in each line, as a tree in brackets with a label for each node. Parallel are two files of lines in a directory, named by `columns.text` and `columns.label`. Gettext are catalogues of messages and their translations. Names that end in .gz after that are decompressed."""
    max_tokens: Annotated[int, Field(ge=1, le=1048576)] = 512
    """Tokens of a record that are used, in tasks that learn from records, or of a window of text, in the task masked; the rest of a longer text is cut off. In the tasks translation and summarization it is a limit for each of the two texts. The status counts such texts. In the task question-answering a longer text is read in windows of this size, of which each repeats a third of the one before."""
    held_out: HeldOut | None = None
    """Records that are held out, in tasks that learn from them, in place of a percentage of those in `source`."""
    held_out_percent: Annotated[int, Field(ge=1, le=50)] = 5
    """Percentage of the text, by size, that is held out from training, for evaluation. Whole documents are held out if about as much text can be chosen so; otherwise the end of the largest one is. In tasks that learn from records it is a percentage of those; in the task recommendation the last item of each user is held out instead."""
    prepare_workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Pods that prepare the data together, each with the resources of a worker but no GPU. They share out the parts of the text, and take over those of a pod that is lost; the dataset is the same for any number. More than one need volumes that several nodes can mount: with others, and outside a cluster, one does it all."""
    on_bad_text: Literal["Fail", "Replace", "Skip"] = "Replace"
    """What happens to text that is not valid. Fail fails the job with file and place of the first. Replace puts U+FFFD in the place of invalid bytes, and leaves out files and lines that are no text at all. Skip leaves out each document with invalid bytes as well. The log, report.json in the directory of the dataset, and the status count what is replaced or left out."""
    on_bad_record: Literal["Fail", "Skip"] = "Fail"
    """What happens to a record that is broken or lacks what the task needs of it, in tasks other than pretrain. Fail fails the job with file and line of the first. Skip leaves it out; the log, report.json in the directory of the dataset, and the status count such records."""
    duplicates: Literal["Keep", "Drop", "DropNear"] = "Drop"
    """What happens to documents or records whose texts differ only in the whitespace around them. Drop keeps the first and its label. Keep keeps all, on the same side of the split as the first. DropNear also leaves out those whose texts are nearly the same as an earlier one: of the runs of three words in the two texts, without case and punctuation, 80% are in both, as MinHash estimates it. The log and report.json in the directory of the dataset count what is left out."""
    personal_data: Literal["Keep", "Mask"] = "Keep"
    """What happens to personal data in texts. Mask puts placeholders such as [EMAIL] in the place of e-mail addresses, IBANs and card numbers with valid check digits, IP addresses and phone numbers, before anything else is done with a text. The log and report.json in the directory of the dataset count them by kind. Names and postal addresses are kept."""
    personal_patterns: Annotated[list[NamedPattern], Field(max_length=16)] = []  # noqa: RUF012 - pydantic copies it
    """Personal data of one's own kinds, with `personalData` Mask: each is NAME=REGEX, such as CUSTOMER=KD-[0-9]{6}. What the regular expression matches within a line becomes [NAME], before the kinds that are built in are searched, and is counted under the name in lower case. The syntax is that of RE2, without look-around and references to groups."""

    @property
    def weights(self) -> dict[str, int]:
        """The weights of `mixture` without their greatest common divisor, in the order of the names; empty without a mixture."""
        mixture = self.mixture or {}
        divisor = math.gcd(*mixture.values())
        return {name: mixture[name] // divisor for name in sorted(mixture)}
