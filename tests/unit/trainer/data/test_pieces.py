"""The tokens of the pieces are those of the whole text, as long as it has a place to cut it."""

import random

import pytest

from llmtrain_trainer.data.pieces import cut_pieces
from llmtrain_trainer.data.tokenizer import train_tokenizer
from unit.trainer.builders import VOCAB_SIZE, prose

ALPHABET = (
    *"abcXYZ019'’.,;!?-_()<|>\"\\/@#$%^&*+=~`[]{}",
    *" \n\t\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u180e\u2000\u200b\u2028\u2029\u202f\u205f\u3000\ufeff",
    *"éß漢字かな한글абвاب١२۳🐢👨\u200d\u0301İ。、",
    "'s",
    "'ll",
    "  ",
    "\n\n",
    " \n ",
    "<|endoftext|>",
)


def random_text(randomly: random.Random) -> str:
    common = randomly.choice([ALPHABET, "ab  \n\n", "a b\n", " \n\t", "漢字。\n", ALPHABET[-14:]])
    return "".join(randomly.choice(common) for _ in range(randomly.randint(1, 120)))


def pieces_of(text: str, limit: int, randomly: random.Random) -> list[str]:
    """Return the pieces of a text that is read in blocks of random sizes."""
    blocks, start = [], 0
    while start < len(text):
        size = randomly.randint(1, 40)
        blocks.append(text[start : start + size])
        start += size
    pieces = list(cut_pieces(blocks, limit))
    assert [last for _, last in pieces] == [False] * (len(pieces) - 1) + [True] * bool(pieces)
    return [piece for piece, _ in pieces]


@pytest.mark.parametrize("seed", range(4))
def test_the_tokens_of_pieces_are_those_of_the_text(seed: int) -> None:
    randomly = random.Random(seed)
    tokenizer = train_tokenizer([prose(500), *(random_text(randomly) for _ in range(50))], VOCAB_SIZE)
    split = tokenizer.pre_tokenizer.pre_tokenize_str
    cuts = 0
    for _ in range(800):
        text, limit = random_text(randomly), randomly.randint(4, 60)
        pieces = pieces_of(text, limit, randomly)
        assert "".join(pieces) == text
        assert all(len(piece) <= limit for piece in pieces)
        if any(len(piece) == limit for piece in pieces[:-1]):
            continue  # perhaps there was no place to cut it
        cuts += len(pieces) - 1
        assert [part for part, _ in split(text)] == [part for piece in pieces for part, _ in split(piece)]
        whole = tokenizer.encode(text).ids
        assert whole == [token for piece in pieces for token in tokenizer.encode(piece).ids]
    assert cuts > 200


def test_pieces_do_not_depend_on_the_blocks() -> None:
    for seed in range(300):
        text = random_text(random.Random(seed))
        assert pieces_of(text, 9, random.Random(seed + 1)) == pieces_of(text, 9, random.Random(seed + 2))


def test_text_without_a_place_to_cut_it_is_cut_at_the_limit() -> None:
    assert [piece for piece, _ in cut_pieces(["x" * 25], 10)] == ["x" * 10, "x" * 10, "x" * 5]
    assert [piece for piece, _ in cut_pieces([" " * 25], 10)] == [" " * 10, " " * 10, " " * 5]


def test_the_place_can_be_far_before_the_limit() -> None:
    text = "first word " + "x" * 20000
    assert [piece for piece, _ in cut_pieces([text], 15000)] == ["first word", " " + "x" * 14999, "x" * 5001]


def test_a_text_as_long_as_the_limit_is_one_piece() -> None:
    assert list(cut_pieces(["one two", ""], 7)) == [("one two", True)]
    assert list(cut_pieces([""], 7)) == []
