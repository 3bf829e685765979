"""The peer of test_finetune.py: the Trainer of `transformers` fine-tunes the same model on the same texts.

Run as a program with a folder of Hugging Face, a file of JSON lines with `text` and `label`, the tokens that are kept of a
text, the size of a batch, the threads of torch, and how samples are drawn: `random`, the default, or `group_by_length`. It
trains two epochs, and prints the seconds of the second one.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

EPOCHS = 2


class EpochTimes(TrainerCallback):
    """Records when each epoch begins and ends."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_epoch_begin(self, *arguments: object, **more: object) -> None:
        self.times.append(time.monotonic())

    def on_epoch_end(self, *arguments: object, **more: object) -> None:
        self.times.append(time.monotonic())


def samples(folder: str, file: str, max_tokens: int) -> list[dict[str, Any]]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    records = [json.loads(line) for line in Path(file).read_text().splitlines()]
    labels = sorted({record["label"] for record in records})
    encoded = tokenizer([record["text"] for record in records], truncation=True, max_length=max_tokens)["input_ids"]
    return [
        {"input_ids": ids, "attention_mask": [1] * len(ids), "label": labels.index(record["label"])}
        for ids, record in zip(encoded, records, strict=True)
    ]


def main(folder: str, file: str, max_tokens: int, batch: int, threads: int, sampling: str) -> None:
    torch.set_num_threads(threads)
    times = EpochTimes()
    arguments = TrainingArguments(
        output_dir=f"{file}.{sampling}",
        num_train_epochs=EPOCHS,
        per_device_train_batch_size=batch,
        learning_rate=5e-5,
        weight_decay=0.1,
        adam_beta2=0.95,
        max_grad_norm=1.0,
        warmup_steps=20,
        train_sampling_strategy=sampling,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    Trainer(
        model=AutoModelForSequenceClassification.from_pretrained(folder),
        args=arguments,
        train_dataset=samples(folder, file, max_tokens),
        processing_class=AutoTokenizer.from_pretrained(folder),
        callbacks=[times],
    ).train()
    print(times.times[-1] - times.times[-2])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *(int(argument) for argument in sys.argv[3:6]), sys.argv[6])
