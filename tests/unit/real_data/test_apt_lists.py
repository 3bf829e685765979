"""apt's lists are downloaded once into a folder of their own."""

import re
from pathlib import Path

import pytest

from real_data import apt_lists
from real_data.apt_lists import AptLists


def test_lists_are_downloaded_once_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str]) -> str:
        commands.append(command)
        configuration = Path(command[command.index("-c") + 1]).read_text()
        folders = re.findall(r'^Dir::[\w:]+ "(.*)";$', configuration, re.MULTILINE)
        assert len(folders) == 3
        assert all(Path(folder).is_relative_to(tmp_path / "apt") for folder in folders)
        (tmp_path / "apt" / "lists" / "Translation-en").touch()
        return ""

    monkeypatch.setattr(apt_lists, "run", run)
    lists = AptLists(tmp_path / "apt")
    lists.update()
    lists.update()
    assert [command[-1] for command in commands] == ["update"]
    assert (lists.folder / "Translation-en").exists()
    lists.remove()
    assert not lists.folder.exists()
