"""All rows: the job of each is in `jobs`, under the name of the row; a file has none."""

from functools import partial

from bench_tasks import simple_models as simple
from bench_tasks.counted_vectors import ppmi_svd
from bench_tasks.judges import bits_a_byte, file_similarity, published, word_similarity
from bench_tasks.row import FileRow, JobRow, Row
from bench_tasks.volumes import lines_of_trees, pairs_of_lines, some_of_each_label, whole_set
from real_data.readers import read_class_csv, read_columns, read_label_folders, read_trees

ROWS: tuple[Row, ...] = (
    JobRow(
        name="film-2",
        data="film-2",
        score="accuracy",
        bound=0.83,
        write=partial(some_of_each_label, 3000),
        judge=published,
        baselines=partial(simple.linear, lambda folder, part: read_label_folders(folder / part)),
    ),
    JobRow(
        name="film-5",
        data="film-5",
        score="f1",
        bound=0.40,
        write=lines_of_trees,
        judge=published,
        baselines=partial(simple.linear, lambda folder, part: read_trees(folder / f"{part}.txt")),
    ),
    JobRow(
        name="film-ratings",
        data="film-ratings",
        score="mse",
        bound=2.4,
        smaller_is_better=True,
        write=whole_set,
        judge=published,
        baselines=simple.linear_ratings,
    ),
    JobRow(
        name="reuters-r8",
        data="reuters-r8",
        score="accuracy",
        bound=0.94,
        write=whole_set,
        judge=published,
        baselines=partial(simple.linear, lambda folder, part: read_class_csv(folder / f"{part}.csv")),
    ),
    JobRow(
        name="sarcasm",
        data="sarcasm",
        score="accuracy",
        bound=0.82,
        write=whole_set,
        judge=published,
        baselines=partial(
            simple.linear,
            lambda folder, part: read_columns(folder / f"{part}.jsonl", text="headline", label="is_sarcastic"),
        ),
    ),
    JobRow(
        name="newsgroups",
        data="newsgroups",
        score="accuracy",
        bound=0.65,
        write=whole_set,
        judge=published,
        baselines=partial(simple.linear, lambda folder, part: read_class_csv(folder / f"{part}.csv")),
    ),
    JobRow(
        name="trec",
        data="trec",
        score="accuracy",
        bound=0.75,
        write=whole_set,
        judge=published,
        baselines=partial(
            simple.linear, lambda folder, part: read_columns(folder / f"{part}.jsonl.gz", text="text", label="coarse")
        ),
    ),
    JobRow(
        name="brown",
        data="brown",
        score="accuracy",
        bound=0.935,
        write=whole_set,
        judge=published,
        baselines=simple.trivial,
    ),
    JobRow(
        name="entities",
        data="entities",
        score="entityF1",
        bound=0.60,
        write=whole_set,
        judge=published,
        baselines=simple.trivial,
    ),
    JobRow(
        name="bible-en-es",
        data="bible-en-es",
        score="chrf",
        bound=24,
        write=partial(pairs_of_lines, ("en", "es")),
        judge=published,
        baselines=simple.trivial,
    ),
    JobRow(
        name="synopses",
        data="synopses",
        score="rougeL",
        bound=0.30,
        write=whole_set,
        judge=published,
        baselines=simple.trivial,
    ),
    JobRow(
        name="manual-pages",
        data="manual-pages",
        score="exactMatch",
        bound=0.80,
        write=whole_set,
        judge=published,
        baselines=simple.trivial,
    ),
    JobRow(
        name="movielens",
        data="movielens",
        score="hitRate",
        bound=0.055,
        write=whole_set,
        judge=published,
        baselines=simple.trivial,
    ),
    JobRow(
        name="word-vectors",
        data="prose",
        score="spearman",
        bound=0.25,
        write=whole_set,
        judge=word_similarity,
        baselines=ppmi_svd,
        other_sets=("vectors",),
    ),
    FileRow(
        name="google-news",
        data="vectors",
        file="GoogleNews-vectors-negative300-bolukbasi.bin",
        score="spearman",
        bound=0.60,
        judge=file_similarity,
    ),
    JobRow(
        name="masked",
        data="prose",
        score="accuracy",
        bound=0.25,
        write=whole_set,
        judge=published,
        baselines=simple.most_frequent_token,
    ),
    JobRow(
        name="prose",
        data="prose",
        score="bitsPerByte",
        bound=2.2,
        smaller_is_better=True,
        write=whole_set,
        judge=bits_a_byte,
        baselines=simple.compression,
    ),
)
BY_NAME = {row.name: row for row in ROWS}
