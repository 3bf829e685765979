"""Package lists of apt in a folder of their own: the machine's own lists stay as they are, and root is not needed."""

import shutil
from functools import cached_property
from pathlib import Path

from llmtrain_kind.commands import run
from llmtrain_kind.progress import step

CONFIGURATION = """\
Dir::State "{root}";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
APT::Architecture "amd64";
APT::Architectures "amd64";
Acquire::Languages "en";
Acquire::GzipIndexes "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
"""
"""Read after the machine's own configuration, which has the sources. Programs are those of amd64, whose hashes are pinned."""


class AptLists:
    """Debian's package lists with English descriptions, downloaded at the first use."""

    def __init__(self, root: Path) -> None:
        """Use the folder `root`, which `remove` deletes."""
        self._root = root

    @property
    def folder(self) -> Path:
        """Return the folder of the lists, which are not compressed."""
        return self._root / "lists"

    @property
    def apt_get(self) -> list[str]:
        """Return the command of apt-get that uses these lists."""
        return ["apt-get", "-qq", "-c", str(self._root / "apt.conf")]

    def update(self) -> None:
        """Download the lists unless this object has done so. CommandFailed without apt."""
        _ = self._updated

    def remove(self) -> None:
        """Delete the lists: uncompressed they take 100 MB."""
        shutil.rmtree(self._root, ignore_errors=True)

    @cached_property
    def _updated(self) -> bool:
        self.remove()
        for folder in (self.folder / "partial", self._root / "cache" / "archives" / "partial"):
            folder.mkdir(parents=True)
        (self._root / "status").touch()
        (self._root / "apt.conf").write_text(CONFIGURATION.format(root=self._root))
        with step("downloading apt's package lists (30 MB)"):
            run([*self.apt_get, "update"])
        return True
