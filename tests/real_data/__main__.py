"""The command line, `python -m real_data [SET ...]` with PYTHONPATH=crds/src:trainer/src:images/src:tests."""

import argparse
import sys
from collections.abc import Sequence

from llmtrain_kind.lock import exclusive_lock
from llmtrain_kind.progress import log
from real_data.cache import default_cache
from real_data.make import Made, make_sets
from real_data.sets import ALL, BY_NAME

_EPILOG = """\
sets:
{sets}

example:
  make data                            # all sets: 340 MB of downloads, 370 MB in the cache
  make data SETS='film-2 brown'        # two sets and what they need

A set that is complete is not made again. Ctrl-C leaves complete sets; the next call continues with the others.
Contents and terms of use are listed in docs/test-data.md.

environment:
  LLMTRAIN_CACHE   folder of the caches (default: ~/.cache/llmtrain); sets are in data/sets below it"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the named sets, and print a line for each: its name, its counts and its folder."""
    options = parser().parse_args(arguments)
    cache = default_cache()
    try:
        with exclusive_lock(cache.root):
            made = make_sets([BY_NAME[name] for name in options.sets or BY_NAME], cache)
    except KeyboardInterrupt:
        log("interrupted: complete sets are kept, and the same command continues with the others")
        return 130
    for each in made:
        if each.record is not None:
            counts = ", ".join(f"{count} {what}" for what, count in each.record.counts.items())
            print(f"{each.data_set.name}: {counts} in {cache.set(each.data_set.name)}")
    return report_errors(made)


def report_errors(made: Sequence[Made]) -> int:
    """Print why sets could not be made; return the exit code. The cause that several sets share is printed once."""
    failed = [each for each in made if each.error]
    for error in dict.fromkeys(each.error for each in failed):
        names = ", ".join(each.data_set.name for each in failed if each.error == error)
        log(f"error: cannot make {names}: {error}")
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    width = max(len(name) for name in BY_NAME)
    root = argparse.ArgumentParser(
        prog="python -m real_data",
        description="Download real data for tests and benchmarks, and write it in published layouts.",
        epilog=_EPILOG.format(sets="\n".join(f"  {each.name:{width}}  {each.layout}" for each in ALL)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("sets", nargs="*", metavar="SET", choices=[*BY_NAME, []], help="names of sets (default: all)")
    return root


if __name__ == "__main__":
    sys.exit(main())
