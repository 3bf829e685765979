"""Jobs whose `data.mixture` the API accepts or rejects."""

from contract.example_job import PATH_SOURCE, Case
from contract.pair_cases import TRANSLATION
from contract.task_cases import CLASSIFICATION

KEYS = "spec.data.mixture must have paths of at most 256 characters below spec.data.source.path as keys"

MIXTURE_CASES: tuple[Case, ...] = (
    Case(
        sentence="a mixture of text",
        change={**PATH_SOURCE, "spec.data.mixture": {"novels": 3, "en/wiki": 1, "notes.jsonl": 1000}},
    ),
    Case(sentence="a mixture of records", change={**CLASSIFICATION, "spec.data.mixture": {"a": 1, "ab": 1}}),
    Case(sentence="a mixture of pairs", change={**TRANSLATION, "spec.data.mixture": {"news": 1}}),
    *(
        Case(
            sentence=f"a mixture with the key '{key}'",
            change={**PATH_SOURCE, "spec.data.mixture": {"wiki": 1, key: 2}},
            refusal=KEYS,
        )
        for key in ("../secrets", "/novels", "novels/", "./novels", "a//b", "a/../b")
    ),
    Case(
        sentence="a mixture with a source within another one",
        change={**PATH_SOURCE, "spec.data.mixture": {"en/wiki": 1, "en": 1}},
        refusal="spec.data.mixture must not have a source within another one",
    ),
    Case(
        sentence="a mixture of the bundled text",
        change={"spec.data.mixture": {"json": 1}},
        refusal="spec.data.mixture has no effect with spec.data.source.bundled; remove it",
    ),
)
