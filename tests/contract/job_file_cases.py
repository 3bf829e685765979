"""Job files and whether kubectl and the API server accept them.

The contract tests read them as `llmtrain validate` does; the e2e tests apply them with kubectl.
"""

from dataclasses import dataclass

FILE = """\
apiVersion: llmtrain.dev/v1alpha1
kind: LLMTrainingJob
metadata: {name: NAME}
spec:
  data: {source: {volume: datasets, bundled: python-stdlib}}
  training: {steps: 100}
  checkpoint: {volume: checkpoints}
"""


@dataclass(frozen=True, kw_only=True)
class FileCase:
    """One file. `refusal` is part of llmtrain's error; None if the file is valid."""

    sentence: str
    content: bytes
    refusal: str | None = None
    stricter: bool = False
    """Whether kubectl accepts it and silently drops a part, which llmtrain refuses."""


def job(name: str = "small", **replaced: str) -> str:
    """Return a job file in which the text of some fields is replaced."""
    text = FILE.replace("NAME", name)
    for field, value in replaced.items():
        before = {"steps": "100", "volume": "checkpoints", "training": "{steps: 100}"}[field]
        assert text.count(before) == 1
        text = text.replace(before, value)
    return text


def rate(written: str) -> bytes:
    """Return a job file with a learning rate as it is written."""
    return job(training=f"{{steps: 100, optimizer: {{learningRate: {written}}}}}").encode()


IN_QUOTES = "spec.training.optimizer.learningRate: must be a string; write it in quotes: "
FILE_CASES: tuple[FileCase, ...] = (
    FileCase(sentence="a number in quotes", content=rate('"3e-4"')),
    FileCase(sentence="a number with a tag", content=rate("!!str 3e-4")),
    *(
        FileCase(sentence=f"the number {written}", content=rate(written), refusal=f'{IN_QUOTES}"{written}"')
        for written in ("3e-4", "1e-3", "0.001", "3.0e-4", ".001", "0", "1_0.5", "yes")
    ),
    *(
        FileCase(sentence=f"{written} steps", content=job(steps=written).encode())
        for written in ("1e3", "300.0", "0b1100", "0o144", "0144", "0x64", "1_000", "099", "!!int '100'", "+100")
    ),
    FileCase(sentence="steps in quotes", content=job(steps='"100"').encode(), refusal="remove the quotes: 100"),
    FileCase(
        sentence="sexagesimal steps", content=job(steps="1:30").encode(), refusal="must be a valid integer, not '1:30'"
    ),
    FileCase(sentence="a part of a step", content=job(steps="99.5").encode(), refusal="spec.training.steps: must be"),
    FileCase(
        sentence="no value",
        content=job(steps="").encode(),
        refusal="spec.training must have exactly one of steps and epochs",
    ),
    FileCase(sentence="an infinite number", content=job(steps=".inf").encode(), refusal=".inf is no number of JSON"),
    FileCase(sentence="an optional field without a value", content=f"{job()}  model:\n  entrypoint: ~\n".encode()),
    FileCase(sentence="a boolean of YAML 1.1", content=f"{job()}  suspend: off\n".encode()),
    FileCase(
        sentence="a boolean in quotes",
        content=f'{job()}  suspend: "true"\n'.encode(),
        refusal="remove the quotes: true",
    ),
    FileCase(
        sentence="a volume that YAML reads as a boolean",
        content=job(volume="no").encode(),
        refusal='spec.checkpoint.volume: must be a string; write it in quotes: "no"',
    ),
    FileCase(
        sentence="a volume that YAML reads as a number",
        content=job(volume="0x10").encode(),
        refusal='spec.checkpoint.volume: must be a string; write it in quotes: "0x10"',
    ),
    FileCase(sentence="a volume that YAML 1.1 reads as a date", content=job(volume="2026-01-01").encode()),
    FileCase(
        sentence="a name that YAML reads as a boolean",
        content=job("on").encode(),
        refusal="metadata.name: must be text",
    ),
    FileCase(
        sentence="a key that is set twice",
        content=f"{job()}  training: {{steps: 200}}\n".encode(),
        refusal="line 8: training is set twice, first in line 6; remove one of them",
        stricter=True,
    ),
    FileCase(
        sentence="a key that is set twice in a map of one line",
        content=job(training="{steps: 1, steps: 2}").encode(),
        refusal="line 6: steps is set twice, first in line 6",
        stricter=True,
    ),
    FileCase(sentence="a key that is null", content=f"{job()}  ~: 1\n".encode(), refusal="line 8: a key must be text"),
    FileCase(
        sentence="a key that is a number", content=f"{job()}  1: x\n".encode(), refusal="spec.1: there is no such field"
    ),
    FileCase(
        sentence="a field in Python's spelling",
        content=job(training="{steps: 100, microbatch_size: 2}").encode(),
        refusal="did you mean microbatchSize?",
    ),
    FileCase(
        sentence="an unknown field beside the spec",
        content=f"{job()}spce: {{}}\n".encode(),
        refusal="spce: there is no",
    ),
    FileCase(
        sentence="an unknown field of the metadata",
        content=job("small, lables: {}").encode(),
        refusal="metadata.lables: there is no such field",
    ),
    FileCase(
        sentence="a label that is a number",
        content=job("small, labels: {team: 1}").encode(),
        refusal="metadata.labels.team: must be text, not 1",
    ),
    FileCase(
        sentence="an alias, and a map that is merged",
        content=job(
            training="{<<: {steps: &s 100, microbatches: 4}, microbatchSize: 2, warmupSteps: 1, seed: *s}"
        ).encode(),
    ),
    FileCase(
        sentence="a list that is merged",
        content=job(training="{<<: [1], steps: 2}").encode(),
        refusal="line 6: << merges maps alone",
    ),
    FileCase(
        sentence="an anchor that contains itself",
        content=job(training="&t {steps: 100, optimizer: *t}").encode(),
        refusal="line 6: an anchor contains itself",
    ),
    FileCase(sentence="a tab after a colon", content=job(steps="\t100").encode()),
    FileCase(sentence="a tab as indentation", content=job(training="\n\tsteps: 100").encode(), refusal="line 7: "),
    FileCase(sentence="Windows' line ends", content=job().replace("\n", "\r\n").encode()),
    FileCase(sentence="a byte order mark", content=b"\xef\xbb\xbf" + job().encode()),
    FileCase(sentence="UTF-16", content=job().encode("utf-16")),
    FileCase(
        sentence="Latin-1",
        content=f"{job()}  evaluation: {{sample: {{prompt: \xe9}}}}\n".encode("latin-1"),
        refusal="line 8: it is not UTF-8 text; save it as UTF-8",
        stricter=True,
    ),
    FileCase(
        sentence="a control character",
        content=f"{job()}# \x01\n".encode(),
        refusal="line 8: it has the control character",
    ),
    FileCase(sentence="empty documents around the job", content=f"---\n# c\n---\n{job()}---\n---\n".encode()),
    FileCase(sentence="two jobs", content=f"{job('one')}---\n{job('two')}".encode()),
    FileCase(
        sentence="two jobs, of which one is not valid",
        content=f"{job('one')}---\n{job('two', steps='0')}".encode(),
        refusal="job two in line 9: spec.training.steps: must be greater than or equal to 1",
    ),
    FileCase(
        sentence="a job and another object",
        content=f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: other}}\n---\n{job()}".encode(),
    ),
    FileCase(
        sentence="a job and a kind of llmtrain that does not exist",
        content=f"{job('one')}---\n{job('two').replace('LLMTrainingJob', 'LLMTrainingjob')}".encode(),
        refusal="kind: must be LLMTrainingJob, not 'LLMTrainingjob'",
    ),
    FileCase(
        sentence="a list of jobs",
        content=("apiVersion: v1\nkind: List\nitems:\n- " + job().replace("\n", "\n  ").rstrip(" ")).encode(),
    ),
    FileCase(
        sentence="a document on the line of its separator",
        content=f"--- {{}}\n{job()}".encode(),
        refusal="line 1: '---'",
    ),
    FileCase(
        sentence="a directive",
        content=f"%YAML 1.2\n---\n{job()}".encode(),
        refusal="line 1: kubectl reads no directives",
    ),
    FileCase(
        sentence="JSON with tabs",
        content=b"""{
\t"apiVersion": "llmtrain.dev/v1alpha1", "kind": "LLMTrainingJob", "metadata": {"name": "small"}, "spec": {
\t"data": {"source": {"volume": "datasets", "bundled": "python-stdlib"}},
\t"training": {"steps": 1e2}, "checkpoint": {"volume": "checkpoints"}}}""",
    ),
    FileCase(
        sentence="JSON with a key that is set twice",
        content=b'{"kind": "LLMTrainingJob", "kind": "LLMTrainingJob"}',
        refusal="kind is set twice in one object",
    ),
    FileCase(sentence="an unfinished list", content=b"a: [1", refusal="is not a valid job file: line "),
    FileCase(sentence="a list", content=b"- 1\n", refusal="line 1: there is no object"),
    FileCase(sentence="nothing", content=b"# later\n", refusal="holds 0 documents"),
    FileCase(sentence="too many brackets", content=b"[" * 20_000, refusal="nested more than 100 times"),
)
"""Valid and invalid files."""
