"""The keys of the tokens."""

from pathlib import Path

import pytest

from llmtrain_operator.shell.token_keys import KeyMissingError, TokenKeys

KEY, PREVIOUS = b"k" * 64, b"p" * 64


def test_a_new_coordinator_gets_the_token_of_the_current_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    keys = TokenKeys.read(tmp_path)
    assert keys == TokenKeys(newest=KEY)
    assert keys.tokens("uid-1") == (keys.token("uid-1"),)
    assert KEY.decode() not in repr(keys)


def test_a_running_coordinator_can_have_the_token_of_the_previous_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "previous-key").write_bytes(PREVIOUS)
    before = TokenKeys(newest=PREVIOUS).token("uid-1")
    assert TokenKeys.read(tmp_path).tokens("uid-1") == (TokenKeys(newest=KEY).token("uid-1"), before)


@pytest.mark.parametrize("content", [None, b"", b"too short"])
def test_without_a_key_there_are_no_tokens(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(KeyMissingError, match="key"):
        TokenKeys.read(tmp_path)
