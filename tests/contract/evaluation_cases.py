"""Jobs whose evaluation has an effect with their task and their data, or has none."""

from contract.example_job import Case
from contract.task_cases import CLASSIFICATION

EVALUATION_CASES: tuple[Case, ...] = (
    *(
        Case(
            sentence=f"{task} of {format} files, judged by a column",
            change={
                **CLASSIFICATION,
                "spec.task": {"name": task},
                "spec.data.format": format,
                "spec.evaluation": {"slices": ["genre"]},
            },
            refusal=refusal,
        )
        for task, format, refusal in (
            ("classification", "Csv", None),
            ("question-answering", "Squad", None),
            (
                "regression",
                "LabelFolders",
                "spec.evaluation.slices has no effect with a format whose records have a text",
            ),
            ("tagging", "Conll", "spec.evaluation.slices has no effect with a format whose records have a text"),
        )
    ),
    *(
        Case(
            sentence=f"{task} with explanations",
            change={**CLASSIFICATION, "spec.task": {"name": task}, "spec.evaluation": {"explain": 20}},
            refusal=refusal and f"spec.evaluation.explain has no effect with {refusal}; remove it",
        )
        for task, refusal in (
            ("classification", None),
            ("regression", None),
            ("tagging", "tasks other than classification and regression"),
            ("question-answering", "tasks other than classification and regression"),
        )
    ),
    Case(
        sentence="pretraining with explanations",
        change={"spec.evaluation.explain": 5},
        refusal="spec.evaluation.explain has no effect with tasks other than classification and regression; remove it",
    ),
)
"""Accepted and refused jobs for every rule about slices and explanations."""
