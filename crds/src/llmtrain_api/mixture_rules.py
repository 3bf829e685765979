"""Rules about `data.mixture`: its keys are paths below `data.source.path`, each outside the others."""

from llmtrain_api.job import JobSpec
from llmtrain_api.rule import Rule
from llmtrain_api.unused_fields import unused_rules


def is_below(path: str) -> bool:
    """Return whether `path` leads to something below the directory that it is relative to, and is written in its shortest form."""
    return not any(part in ("", ".", "..") for part in path.split("/"))


def _sources(spec: JobSpec) -> list[str]:
    return list(spec.data.mixture or {})


def _has_source_within_another(spec: JobSpec) -> bool:
    return any(path.startswith(f"{other}/") for path in _sources(spec) for other in _sources(spec))


MIXTURE_RULES: tuple[Rule, ...] = (
    Rule(
        path="spec.data",
        field="spec.data.mixture",
        cel="!has(self.mixture) || self.mixture.all(k, k.size() <= 256 && !k.split('/').exists(p, p in ['', '.', '..']))",
        message="spec.data.mixture must have paths of at most 256 characters below spec.data.source.path as keys, such as books or "
        "en/wiki, without '..', '.' and '/' at the beginning or the end; change the key",
        violated=lambda name, spec: not all(map(is_below, _sources(spec))),
    ),
    Rule(
        path="spec.data",
        field="spec.data.mixture",
        cel="!has(self.mixture) || self.mixture.all(k, !self.mixture.exists(other, k.startsWith(other + '/')))",
        message="spec.data.mixture must not have a source within another one; remove one of the two keys",
        violated=lambda name, spec: _has_source_within_another(spec),
    ),
    *unused_rules(
        ("data.mixture",),
        "spec.data.source.bundled",
        "has(self.data.source.bundled)",
        lambda spec: spec.data.source.bundled is not None,
    ),
)
