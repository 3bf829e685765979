"""Word vectors are read from files that gensim wrote, and what is damaged is named with its place."""

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models import vector_file
from llmtrain_trainer.models.vector_file import VectorFile
from llmtrain_trainer.models.vectors_folder import WordVectors, save_vectors

WORDS = ["the", "Paris", "paris", "häuser", "Quartz", "QUARTZ", "fox", "##", "0"]
WIDTH = 8
VECTORS = np.random.default_rng(0).normal(size=(len(WORDS), WIDTH)).astype(np.float32)
BINARY, TEXT, GLOVE = (
    {"binary": True, "write_header": True},
    {"binary": False, "write_header": True},
    {"binary": False, "write_header": False},
)
FORMATS = [
    pytest.param(BINARY, id="word2vec, binary"),
    pytest.param(TEXT, id="word2vec, text"),
    pytest.param(GLOVE, id="GloVe"),
]


def written(path: Path, options: dict[str, bool], words: list[str] = WORDS, vectors: np.ndarray = VECTORS) -> Path:
    keyed = KeyedVectors(vector_size=vectors.shape[1])
    keyed.add_vectors(words, vectors)
    keyed.save_word2vec_format(path, **options)
    return path


def read(path: Path, words: list[str]) -> dict[str, list[float]]:
    return {words[number]: vector.tolist() for number, vector in VectorFile.open(path).read(words)}


@pytest.mark.parametrize("options", FORMATS)
def test_words_have_the_vectors_that_gensim_wrote(tmp_path: Path, options: dict[str, bool]) -> None:
    path = written(tmp_path / "vectors", options)
    file = VectorFile.open(path)
    assert (file.width, file.binary) == (WIDTH, options["binary"])
    found = read(path, ["fox", "häuser", "never", "paris", "quartz", "0"])
    rows = {"paris": 2, "häuser": 3, "quartz": 4, "fox": 6, "0": 8}
    assert found == {word: VECTORS[row].tolist() for word, row in rows.items()}


@pytest.mark.parametrize("separator", ["", "\n"], ids=["without", "with"])
def test_a_binary_vector_may_have_an_end_of_line(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "vectors.bin"
    content = b"".join(
        word.encode() + b" " + vector.astype("<f4").tobytes() + separator.encode()
        for word, vector in zip(WORDS, VECTORS, strict=True)
    )
    path.write_bytes(f"{len(WORDS)} {WIDTH}\n".encode() + content)
    assert read(path, ["the", "fox"]) == {"the": VECTORS[0].tolist(), "fox": VECTORS[6].tolist()}


def test_gensim_reads_the_text_of_a_published_folder_and_so_does_this(tmp_path: Path) -> None:
    save_vectors(WordVectors(words=WORDS, vectors=VECTORS), {"embed_tokens.weight": VECTORS}, "{}", tmp_path)
    keyed = KeyedVectors.load_word2vec_format(tmp_path / "vectors.txt", binary=False)
    assert keyed.index_to_key == WORDS
    assert np.array_equal(keyed.vectors, VECTORS)
    assert read(tmp_path, ["the"]) == {"the": VECTORS[0].tolist()}


def test_words_of_glove_may_have_spaces(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2\n. . . 3 4\nat name@domain.com 5 6\nfox 7 8\n\n")
    assert read(path, [". . .", "fox"]) == {". . .": [3, 4], "fox": [7, 8]}


def test_the_first_word_may_be_a_number(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("0 1 2\n7 3 4\n")
    assert read(path, ["7", "0"]) == {"0": [1, 2], "7": [3, 4]}


@pytest.mark.parametrize("options", FORMATS)
def test_entries_may_lie_across_pieces(
    tmp_path: Path, options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_file, "PIECE_BYTES", 7)
    path = written(tmp_path / "vectors", options)
    assert read(path, ["0"]) == {"0": VECTORS[8].tolist()}


@pytest.mark.parametrize("options", FORMATS)
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_file, "PIECE_BYTES", 2**15)
    count = 3_000
    words = [f"word{number}" for number in range(count)]
    vectors = np.random.default_rng(1).normal(size=(count, 100)).astype(np.float32)
    path = written(tmp_path / "vectors", options, words, vectors)
    tracemalloc.start()
    found = read(path, ["word2999"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {"word2999": vectors[-1].tolist()}
    assert peak < 2**19 < path.stat().st_size / 2


@pytest.mark.parametrize("options", FORMATS)
def test_the_checksum_is_that_of_the_bytes(tmp_path: Path, options: dict[str, bool]) -> None:
    path = written(tmp_path / "vectors", options)
    first = VectorFile.open(path).digest
    path.write_bytes(path.read_bytes()[:-2] + b"11")
    assert first.startswith("sha256:")
    assert VectorFile.open(path).digest != first


def test_another_width_names_both_and_the_remedy(tmp_path: Path) -> None:
    file = VectorFile.open(written(tmp_path / "vectors", BINARY))
    file.require_width(WIDTH)
    with pytest.raises(
        BadInput,
        match=r"^spec\.model\.vectors: '.*' has vectors of 8 numbers, but the width of the model is 300; set "
        r"spec\.model\.width to 8, or name a file with vectors of 300 numbers$",
    ):
        file.require_width(300)


def numbers(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", r"line 1 has neither", id="an empty file"),
        pytest.param(b"once upon a time\n", r"line 1 has neither .*; name a file in word2vec's", id="a text"),
        pytest.param(b"\x1f\x8b\x08\0 rest\n", r"line 1 has neither .*; unpack the file", id="a compressed file"),
        pytest.param(b"0 2\n", r"line 1 says 0 words with 2 numbers each; copy", id="no words"),
        pytest.param(b"2 70000\na 1\n", r"line 1 says 2 words with 70000 numbers each", id="too many numbers"),
        pytest.param(b"2 2\nfox 1 2\n", r"line 1 says 2 words, but 1 follow; copy the file again", id="a cut text"),
        pytest.param(b"1 2\na 1 2\nfox 3 4\n", r"line 1 says 1 words, but 2 follow", id="a text with more words"),
        pytest.param(b"2 2\na 1 2\nfox 1\n", r"line 3 has 1 numbers, not 2; correct the line", id="a cut line"),
        pytest.param(b"a 1 2\nb 1 2 3\n", r"line 2 has 3 numbers, not 2; correct the line", id="a longer line"),
        pytest.param(b"a 1 2\nb 1 x\nfox 1 y\n", r"line 3 is not valid: .*'y'; correct the line", id="no number"),
        pytest.param(b"a 1 2\nfox 1 nan\n", r"line 2 has a number that is not finite", id="NaN"),
        pytest.param(b"a 1 2\nfox 1 1e99\n", r"line 2 has a number that is not finite", id="more than float32 holds"),
        pytest.param(b"fox 1 2\na 1 2\nfox 3 4\n", r"line 3 is 'fox', which is there before; remove one", id="twice"),
        pytest.param(
            b"2 2\na " + numbers(1, 2) + b"\nfox " + numbers(1)[:-1],
            r"byte 14 is its end, after 1 of 2 words; copy the file again",
            id="a cut binary file",
        ),
        pytest.param(
            b"1 2\na " + numbers(1, 2) + b"fox " + numbers(1, 2), r"byte 14 is more than 1 words", id="more words"
        ),
        pytest.param(
            b"2 2\na " + numbers(1, 2, 3) + b"fox " + numbers(1, 2, 3),
            r"byte 14 is the beginning of no word of 2 numbers",
            id="other numbers than the first line says",
        ),
        pytest.param(
            b"2 2\na " + numbers(1, 2) + b"x" * 5000, r"byte 14 is the beginning of no word; copy", id="no space"
        ),
        pytest.param(
            b"2 2\nfox " + numbers(1, 2) + b"fox " + numbers(1, 2),
            r"byte 16 is 'fox', which is there before; remove one of the two",
            id="twice in a binary file",
        ),
        pytest.param(b"1 2\nfox " + numbers(1, float("inf")), r"byte 4 has a number that is not finite", id="infinity"),
    ],
)
def test_what_is_damaged_is_named_with_its_place(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=rf"^spec\.model\.vectors: '.*/vectors', {problem}"):
        read(path, ["fox"])


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"'.*/none' is not on the volume; put a file of word vectors there"):
        VectorFile.open(tmp_path / "none")
    (tmp_path / "file").write_text("fox 1 2\n")
    with pytest.raises(BadInput, match=r"'.*/file/more' can't be read: Not a directory; correct the path"):
        VectorFile.open(tmp_path / "file" / "more")
    with pytest.raises(BadInput, match=r"is a folder that no job with task word-vectors published; name a file"):
        VectorFile.open(tmp_path)
