"""Messages and their translations are read from compiled catalogues."""

import struct
from collections.abc import Mapping
from pathlib import Path

from real_data.converters.catalogues import FOLDER, catalogue_files, read_messages


def catalogue(path: Path, messages: Mapping[str, str]) -> Path:
    """Write a file in GNU's format: a header, and tables of lengths and offsets."""
    messages = {"": "Content-Type: text/plain; charset=UTF-8\n"} | dict(messages)
    texts = [text.encode() for pair in zip(*sorted(messages.items()), strict=True) for text in pair]
    start = 28 + 8 * len(texts)
    offsets = [start + sum(len(text) + 1 for text in texts[:number]) for number in range(len(texts))]
    tables = b"".join(struct.pack("<II", len(text), offset) for text, offset in zip(texts, offsets, strict=True))
    header = struct.pack("<7I", 0x950412DE, 0, len(messages), 28, 28 + 4 * len(texts), 0, 28)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + tables + b"".join(text + b"\0" for text in texts))
    return path


def test_messages_of_three_words_are_read_once(tmp_path: Path) -> None:
    first = catalogue(
        tmp_path / "ls.mo",
        {
            "cannot open file": "kann Datei nicht öffnen",
            "menu\x04show all files": "alle Dateien\nanzeigen",
            "help": "Hilfe",
            "not translated yet": "not translated yet",
            "%d file read\0%d files read": "%d Datei gelesen\0%d Dateien gelesen",
        },
    )
    second = catalogue(tmp_path / "rm.mo", {"cannot open file": "Datei geht nicht auf"})
    assert read_messages([first, second]) == [
        ("cannot open file", "kann Datei nicht öffnen"),
        ("show all files", "alle Dateien anzeigen"),
    ]


def test_catalogues_of_all_packages_are_found(tmp_path: Path) -> None:
    paths = [catalogue(tmp_path / name / FOLDER / f"{name}.mo", {}) for name in ("tar", "bash")]
    assert catalogue_files([tmp_path / "tar", tmp_path / "bash"]) == paths[::-1]
