"""The token of a job."""

from pathlib import Path

import pytest

from llmtrain_api.job_token import authorization, derive_token, is_authorized, new_token, read_token

TOKEN = derive_token(b"key" * 16, "uid-1")


def test_a_token_follows_from_key_and_uid_alone() -> None:
    assert derive_token(b"key" * 16, "uid-1") == TOKEN
    assert len({TOKEN, derive_token(b"key" * 16, "uid-2"), derive_token(b"other" * 16, "uid-1"), new_token()}) == 4


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("Bearer ", id="no token"),
        pytest.param(f"Bearer {TOKEN[:-1]}", id="a part of it"),
        pytest.param(f"Bearer {TOKEN}0", id="more than it"),
        pytest.param(TOKEN, id="no scheme"),
        pytest.param(f"Bearer {'é' * 64}", id="not ASCII"),
        pytest.param("Bearer \udcff", id="not UTF-8"),
    ],
)
def test_nothing_else_is_authorized(header: str | None) -> None:
    assert not is_authorized(header, TOKEN)


def test_the_token_is_authorized() -> None:
    assert is_authorized(authorization(TOKEN)["Authorization"], TOKEN)


def test_a_token_is_read_without_the_line_feed_of_an_editor(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path / "token") == TOKEN


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, "é".encode() * 64])
def test_a_file_without_a_token_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ValueError, match="token"):
        read_token(tmp_path / "token")
    with pytest.raises(ValueError, match="missing"):
        read_token(tmp_path / "missing")
