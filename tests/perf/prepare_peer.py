"""The peer of the prepare stage: `datasets` and `tokenizers` make the same token file of JSONL, as nanoGPT does.

Run as a program with the JSONL file, the folder for the result, the size of the vocabulary, the bytes that the tokenizer is
trained on, and the number of processes. The text is not hashed, split or looked through for copies.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

SHARDS = 64


def train(dataset: datasets.Dataset, vocab_size: int, sample_bytes: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )

    def sample() -> Iterator[str]:
        left = sample_bytes
        for batch in dataset.iter(batch_size=1000):
            for text in batch["text"]:
                left -= len(text)
                yield text
                if left < 0:
                    return

    tokenizer.train_from_iterator(sample(), trainer)
    return tokenizer


def main(source: str, folder: str, vocab_size: int, sample_bytes: int, processes: int) -> None:
    dataset = datasets.load_dataset("json", data_files=source, split="train", cache_dir=f"{folder}/cache")
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    tokenizer = train(dataset, vocab_size, sample_bytes)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes of `map` are as many as there are CPUs

    def encode(batch: dict[str, list[str]]) -> dict[str, list[object]]:
        ids = [[*encoding.ids, 0] for encoding in tokenizer.encode_batch_fast(batch["text"])]
        return {"ids": ids, "length": [len(each) for each in ids]}

    tokenized = dataset.map(encode, batched=True, num_proc=processes, remove_columns=dataset.column_names)
    total = int(np.sum(tokenized["length"], dtype=np.uint64))
    tokens = np.memmap(Path(folder, "tokens.bin"), dtype=np.uint16, mode="w+", shape=(total,))
    start = 0
    for number in range(SHARDS):
        shard = tokenized.shard(num_shards=SHARDS, index=number, contiguous=True).with_format("numpy")
        ids = np.concatenate(shard["ids"][:])
        tokens[start : start + len(ids)] = ids
        start += len(ids)
    tokens.flush()
    print(total)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *(int(argument) for argument in sys.argv[3:6]))
