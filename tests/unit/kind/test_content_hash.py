"""The hash of a build changes with its inputs, and only then."""

from pathlib import Path

from llmtrain_kind.content_hash import HASH_LENGTH, content_hash


def test_equal_files_in_another_folder_have_the_same_hash(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "src").mkdir(parents=True)
        (tmp_path / name / "src" / "a.py").write_text("a = 1\n")
    first, second = (content_hash(tmp_path / name, [Path("src")]) for name in ("one", "two"))
    assert first == second
    assert len(first) == HASH_LENGTH


def test_bytes_names_modes_and_extra_text_change_the_hash(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    hashes = [content_hash(tmp_path, [Path("a")])]
    hashes.append(content_hash(tmp_path, [Path("a")], extra=["go1.26"]))
    file.chmod(0o755)
    hashes.append(content_hash(tmp_path, [Path("a")]))
    file.write_text("2")
    hashes.append(content_hash(tmp_path, [Path("a")]))
    file.rename(tmp_path / "b")
    hashes.append(content_hash(tmp_path, [Path("b")]))
    assert len(set(hashes)) == len(hashes)


def test_caches_and_missing_paths_do_not_change_the_hash(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("a = 1\n")
    before = content_hash(tmp_path, [Path("src"), Path("requirements.lock")])
    (tmp_path / "src" / "__pycache__").mkdir()
    (tmp_path / "src" / "__pycache__" / "a.pyc").write_bytes(b"\0")
    assert content_hash(tmp_path, [Path("src"), Path("requirements.lock")]) == before
