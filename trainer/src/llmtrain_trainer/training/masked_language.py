"""The task masked: tokens of running text that are replaced by a mask are predicted from those around them.

Letters of shape suffixes: B windows, W their tokens, L these with special ones, V tokens of the vocabulary.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import BLOCK_TOKENS, Dataset, read_windows
from llmtrain_trainer.data.loader import MicrobatchLoader, held_out_windows
from llmtrain_trainer.data.masking import CHOSEN, NOT_CHOSEN, Masking
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.tokenizer import MASK
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.metrics.masked import MaskedTokens
from llmtrain_trainer.metrics.metric import Floats, score
from llmtrain_trainer.models.model_folder import FIELD, folder_of, mask_token
from llmtrain_trainer.training.evaluation import MAX_TOKENS_WHILE_TRAINING, WINDOWS_PER_BATCH
from llmtrain_trainer.training.judging import judged_rows, samples_within
from llmtrain_trainer.training.networks import network_of
from llmtrain_trainer.training.task import Judgement, PingWatchdog, autocast


class MaskedLanguageTask:
    """A network that predicts masked tokens. Implements `Task`."""

    spec_field = "spec.model"
    flops_per_token = None
    tokens_per_term = 1 / CHOSEN

    def __init__(self, run: RunConfig, dataset: Dataset, device: torch.device) -> None:
        self._training, self._device, self.dataset = run.training, device, dataset
        vocab_size, tokenizer = dataset.info.vocab_size, ModelTokenizer.open(dataset.directory)
        token = (mask_token(folder_of(run).directory) or "") if run.model.source else MASK
        mask = tokenizer.tokenizer.token_to_id(token)
        assert mask is not None, "prepare refuses a model without a mask"
        self._masking = Masking.of(tokenizer.tokenizer, mask, vocab_size, tokenizer.around)
        self._window = run.data.max_tokens - len(self._masking.before) - len(self._masking.after)
        self._network = network_of(
            run, vocab_size=vocab_size, words=tuple, outputs=vocab_size, labels=(), device=device
        )
        of_folder = {f"{FIELD}.mask": token} if run.model.source else {}
        self.model, self.identity = self._network.model, {**of_folder, **self._network.identity}
        self._logits = run.data.max_tokens * vocab_size
        self.data_name = dataset.info.id
        self.uses_rng = self._network.dropout > 0
        self._batches = MicrobatchLoader.of(run, dataset, self._window)

    def init_weights(self) -> None:
        """Set the initial weights, a function of the job's seed."""
        self._network.init_weights(self._training.seed)

    def loss(self, step: int, microbatch: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch and its number of chosen tokens."""
        draws = self._batches.sampler.draws(step, microbatch)
        keys = [f"{self._training.seed}/{draw.epoch}/{draw.sample}" for draw in draws]
        inputs_BL, targets_BL = self._masked(self._batches.windows.read([draw.sample for draw in draws]), keys)
        logits_NV, targets_N = self._predict(inputs_BL, targets_BL, self._network.dropout)
        return functional.cross_entropy(logits_NV, targets_N, reduction="sum"), len(targets_N)

    def check_peers(self, ranks: Collectives) -> None:
        """Do nothing: all tensors of the network are trained."""

    def evaluate(
        self, ranks: Collectives, ping_watchdog: PingWatchdog, max_tokens: int = MAX_TOKENS_WHILE_TRAINING
    ) -> Judgement:
        """Return loss and accuracy on about `max_tokens` held-out tokens, the same on every rank."""
        scores = score(MaskedTokens(), self.judge(ranks, ping_watchdog, max_tokens))
        return Judgement(loss=scores.get("loss", float("nan")), scores={"accuracy": scores.get("accuracy", 0.0)})

    def judge(self, ranks: Collectives, ping_watchdog: PingWatchdog, max_tokens: int) -> Floats:
        """Return the rows of the metric of held-out windows with about `max_tokens` tokens: the masks are always the same."""
        windows = held_out_windows(self.dataset, self._window, max_tokens)
        return judged_rows(
            np.full(len(windows), self._window),
            MaskedTokens().columns,
            lambda positions: self._rows([windows[position] for position in positions]),
            ranks,
            device=self._device,
            ping_watchdog=ping_watchdog,
            samples_per_batch=min(WINDOWS_PER_BATCH, samples_within(self._logits)),
        )

    def most_frequent_rows(self, max_tokens: int) -> Floats:
        """Return the rows, without losses, of always predicting the token that most of the training text is."""
        counts_V = np.zeros(self.dataset.info.vocab_size, dtype=np.int64)
        for start in range(0, len(self.dataset.training), BLOCK_TOKENS):
            counts_V += np.bincount(self.dataset.training[start : start + BLOCK_TOKENS], minlength=len(counts_V))
        counts_V[self._masking.special] = 0
        windows = held_out_windows(self.dataset, self._window, max_tokens)
        _, targets_BL = self._held_out(windows)
        right_B = (targets_BL == int(counts_V.argmax())).sum(1)
        return MaskedTokens().rows(np.zeros(len(windows)), (targets_BL != NOT_CHOSEN).sum(1), right_B)

    def _rows(self, windows: list[int]) -> Floats:
        inputs_BL, targets_BL = self._held_out(windows)
        with torch.no_grad(), autocast(self._device, self._training.precision):
            logits_NV, targets_N = self._predict(inputs_BL, targets_BL)
            losses_N = functional.cross_entropy(logits_NV, targets_N, reduction="none").double()
            right_N = logits_NV.argmax(-1) == targets_N
        window_N = np.nonzero(targets_BL.numpy() != NOT_CHOSEN)[0]
        sums = (
            np.bincount(window_N, weights=values, minlength=len(windows))
            for values in (losses_N.cpu().numpy(), np.ones(len(window_N)), right_N.double().cpu().numpy())
        )
        return MaskedTokens().rows(*sums)

    def _held_out(self, windows: list[int]) -> tuple[Tensor, Tensor]:
        tokens_BM = read_windows(self.dataset.held_out, windows, self._window)
        return self._masked(tokens_BM, [f"held-out/{number}" for number in windows])

    def _masked(self, tokens_BM: NDArray[np.int64], keys: list[str]) -> tuple[Tensor, Tensor]:
        """Return what the network sees of windows, which have one more token, and what it predicts (B, L)."""
        inputs_BL, targets_BL = self._masking.apply(tokens_BM[:, :-1], keys)
        return torch.from_numpy(inputs_BL), torch.from_numpy(targets_BL)

    def _predict(self, inputs_BL: Tensor, targets_BL: Tensor, dropout: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return the logits of the chosen tokens (N, V), and these (N,)."""
        inputs_BL, targets_BL = inputs_BL.to(self._device), targets_BL.to(self._device)
        lengths_B = torch.full((len(inputs_BL),), inputs_BL.shape[1], device=self._device)
        chosen_BL = targets_BL != NOT_CHOSEN
        return self.model(inputs_BL, lengths_B, dropout)[chosen_BL], targets_BL[chosen_BL]


def open_task(run: RunConfig, dataset_id: str, device: torch.device) -> MaskedLanguageTask:
    """Return the task of a job with a prepared dataset. BadInput if it is not there, or the model does not fit."""
    return MaskedLanguageTask(run, Dataset.open(run.data_directory, dataset_id), device)
