"""Reads Markdown pages: code blocks, the commands in them, links and anchors."""

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
SAVED_AS = re.compile(r"Save this as\s+`([^`]+)`:\s*\Z")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
"""Of a page without its blocks, as a comment of a shell looks like a heading."""
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
INLINE_CODE = re.compile(r"`((?:[^`\n]|\n(?!\n))+)`")
"""Can span two lines of a paragraph. Is not searched for links: a pattern can look like one."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of code."""

    page: Path
    line: int
    headings: tuple[str, ...]
    """All headings above, the nearest one last."""
    language: str
    text: str
    saved_as: str
    """Name of the file that the page asks the reader to save this block as; empty if it doesn't."""

    @property
    def commands(self) -> list[str]:
        """Return the commands of a shell block, without comments; a command can span lines."""
        found, part = [], ""
        for line in self.text.splitlines():
            part += line + "\n"
            if not line.endswith("\\") and (words := _words(part)) is not None:
                if words:
                    found.append(part.strip())
                part = ""
        assert not part, f"{self.page.name}:{self.line}: unfinished command: {part}"
        return found

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @cached_property
    def text(self) -> str:
        """Return the whole text."""
        return self.path.read_text()

    @cached_property
    def prose(self) -> str:
        """Return the text without fenced blocks."""
        return FENCE.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        """Return the fenced blocks in order."""
        found = []
        for match in FENCE.finditer(self.text):
            before = self.text[: match.start()]
            saved = SAVED_AS.search(before)
            found.append(
                Block(
                    page=self.path,
                    line=before.count("\n") + 1,
                    headings=tuple(HEADING.findall(FENCE.sub("", before))),
                    language=match["language"],
                    text=match["text"],
                    saved_as=saved[1] if saved else "",
                )
            )
        return found

    @property
    def saved(self) -> dict[str, str]:
        """Return the files that the page asks the reader to save, by name."""
        return {block.saved_as: block.text for block in self.blocks if block.saved_as}

    @property
    def links(self) -> list[str]:
        """Return the targets of all links."""
        return LINK.findall(INLINE_CODE.sub("code", self.prose))

    @property
    def inline_code(self) -> list[str]:
        """Return the inline code of the prose, each in one line; `|` in tables is escaped in Markdown."""
        return [re.sub(r"\s*\n\s*", " ", code).replace("\\|", "|") for code in INLINE_CODE.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """Return the anchors that GitHub gives the headings."""
        return {_anchor(heading) for heading in HEADING.findall(self.prose)}


def _words(command: str) -> list[str] | None:
    """Return the words of a command; None if a quotation is still open."""
    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return None


def _anchor(heading: str) -> str:
    """Return GitHub's anchor: lower case, no punctuation, spaces become hyphens."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
