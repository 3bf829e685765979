"""Sentences as trees in brackets, each node with a label: the layout of the Stanford Sentiment Treebank (Socher et al. 2013).

A line such as `(3 (2 It) (4 (2 is) (3 good)))` is a sentence, with the label of its root.
"""

import re

TOKEN = re.compile(r"[()]|[^()\s]+")
BRACKETS = {"-LRB-": "(", "-RRB-": ")"}
"""How treebanks write brackets that are words."""


class NoTree(Exception):
    """A line is no tree."""


def read_tree(line: str) -> tuple[str, str]:
    """Return the words of a tree, with one space between them, and the label of its root. NoTree if the line is none."""
    tokens, words, depth, previous = TOKEN.findall(line), list[str](), 0, ""
    for number, token in enumerate(tokens):
        if number and not depth:
            raise NoTree("text after the bracket that closes the tree")
        if previous == "(":
            if token in "()":
                raise NoTree("a bracket without a label")
        elif token == "(":
            depth += 1
        elif not depth:
            raise NoTree("it does not begin with a bracket")
        elif token == ")":
            depth -= 1
        else:
            words.append(BRACKETS.get(token, token))
        previous = token
    if depth:
        raise NoTree(f"{depth} brackets are not closed")
    return " ".join(words), tokens[1]
