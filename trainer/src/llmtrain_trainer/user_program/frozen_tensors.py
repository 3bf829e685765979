"""The tensors of a user's model that training does not change: frozen parameters and buffers.

They are neither exchanged nor saved: each process builds them again, so they must be the same in every process. They
must also stay as they are. What a forward pass changes, such as a running average, a counter or a codebook, depends on
which microbatches a rank has computed, and so on the number of workers. A buffer with `persistent=False` is no state:
a module may use one as a cache.
"""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.errors import BadInput

THOROUGH_CHECKS = 2
"""Microbatches of a process after which contents are compared too: some changes, through `.data`, leave no other trace."""
WORD_BYTES, PIECE_WORDS, FACTOR = 8, 2**20, 1_000_003
"""Words of a checksum, how many are multiplied at once, and the factor between two such pieces."""


class FrozenTensors:
    """The frozen parameters and persistent buffers of one model, as they were when it was given to `llmtrain.train`."""

    def __init__(self, model: nn.Module) -> None:
        self._places = {name: _place(model, name) for name in _frozen_names(model)}
        self._digests = {name: _digest(tensor) for name, tensor in self._tensors()}
        self._watched: dict[str, tuple[Tensor, int, int]] = {}
        self._checks = 0

    @property
    def identity(self) -> dict[str, str]:
        """What of them the result depends on, by name: a digest of each, and one of all."""
        whole = hashlib.sha256(repr(sorted(self._digests.items())).encode()).hexdigest()[:16]
        digests = {f"llmtrain.train: {self._describe(name)}": digest for name, digest in self._digests.items()}
        return {**digests, "llmtrain.train: frozen parameters and buffers": whole}

    def watch(self) -> None:
        """Take the present tensors, which may have been moved to another device, as those that must not change."""
        self._watched = {name: (tensor, tensor._version, _checksum(tensor)) for name, tensor in self._tensors()}

    def require_unchanged(self) -> None:
        """Check that none has changed. BadInput, with the name and the remedy, if one has."""
        self._checks += 1
        for name, tensor in self._tensors():
            watched, version, checksum = self._watched[name]
            suspicious = tensor is not watched or tensor._version != version or self._checks <= THOROUGH_CHECKS
            if tensor.requires_grad or (suspicious and _checksum(tensor) != checksum):
                raise BadInput(
                    f"llmtrain.train: {self._describe(name)} changes while the model computes the loss, so it depends on the "
                    "number of workers; make it a parameter that is trained, compute it from the step or before the "
                    "training, or register it with persistent=False if its value does not matter"
                )
            self._watched[name] = (tensor, tensor._version, checksum)

    def check_peers(self, ranks: Collectives, device: torch.device) -> None:
        """Compare them with those of rank 0, together with all ranks. BadInput, with the name, if they differ."""
        rows = _gathered(ranks, [len(self._digests), _number(repr(sorted(self._digests.items())))], device)
        if all(row == rows[0] for row in rows):
            return
        if any(count != rows[0][0] for count, _ in rows):
            names = "a different number of frozen parameters and buffers"
            different = rows[ranks.rank] != rows[0]
        else:
            rows = _gathered(ranks, [_number(f"{name} {self._digests[name]}") for name in self._digests], device)
            pairs = zip(self._digests, rows[ranks.rank], rows[0], strict=True)
            names = ", ".join(self._describe(name) for name, own, other in pairs if own != other)
            different = bool(names)
        if different:
            raise BadInput(
                f"llmtrain.train: {names}: not the same in rank {ranks.rank} as in rank 0; build them from torch's default "
                "generator, which the job seeds, or from the same file on every worker"
            )

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the name and the present tensor of each: a module may have replaced it."""
        for name, (module, attribute) in self._places.items():
            yield name, getattr(module, attribute)

    def _describe(self, name: str) -> str:
        module, attribute = self._places[name]
        return f"{'frozen parameter' if isinstance(getattr(module, attribute), nn.Parameter) else 'buffer'} {name}"


def persistent_buffers(model: nn.Module) -> dict[str, Tensor]:
    """Return the buffers that belong to the state of `model`, each once."""
    names = {
        f"{path}.{name}" if path else name
        for path, module in model.named_modules(remove_duplicate=False)
        for name in module._buffers.keys() - module._non_persistent_buffers_set
    }  # not from state_dict(), where hooks of the model can rename or leave out some
    return {name: buffer for name, buffer in model.named_buffers() if name in names}


def _frozen_names(model: nn.Module) -> list[str]:
    frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
    return [*frozen, *persistent_buffers(model)]


def _place(model: nn.Module, name: str) -> tuple[nn.Module, str]:
    path, _, attribute = name.rpartition(".")
    return model.get_submodule(path), attribute


def _bytes(tensor: Tensor) -> Tensor:
    """Return the contents as a flat tensor of bytes."""
    return tensor.detach().resolve_conj().resolve_neg().reshape(-1).contiguous().view(torch.uint8)


def _digest(tensor: Tensor) -> str:
    head = f"{tensor.dtype} {tuple(tensor.shape)} ".encode()
    digest = hashlib.sha256(head)
    digest.update(_bytes(tensor).cpu().numpy().data)
    return digest.hexdigest()[:16]


def _checksum(tensor: Tensor) -> int:
    """Return a checksum of the contents, computed on the tensor's device. It depends on the order, unlike a sum."""
    content = _bytes(tensor)
    aligned = content.numel() // WORD_BYTES * WORD_BYTES
    head, tail = content[:aligned], torch.zeros(WORD_BYTES, dtype=torch.uint8, device=content.device)
    tail[: content.numel() - aligned] = content[aligned:]
    if head.storage_offset() % WORD_BYTES:
        head = head.clone()
    factors = torch.arange(1, 2 * PIECE_WORDS, 2, device=content.device)  # odd, so that each bit of a word matters
    checksum = torch.zeros((), dtype=torch.int64, device=content.device)
    for piece in (*torch.split(head.view(torch.int64), PIECE_WORDS), tail.view(torch.int64)):
        checksum = checksum * FACTOR + (piece * factors[: piece.numel()]).sum()
    return int(checksum)


def _number(text: str) -> int:
    """Return a hash of `text` that fits into int64."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


def _gathered(ranks: Collectives, own: list[int], device: torch.device) -> list[list[int]]:
    """Return the numbers of every rank."""
    part = torch.tensor(own, dtype=torch.int64, device=device)
    whole = torch.zeros(ranks.size * len(own), dtype=torch.int64, device=device)
    ranks.all_gather(whole, part)
    return [list(map(int, row)) for row in whole.view(ranks.size, len(own)).tolist()]
