"""Questions and windows of texts as rows; each question and each text is kept once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from wenlu.models.reader import ReadingBatch
from wenlu.text import Tokenizer
from wenlu.training.dataset import Rows
from wenlu.training.ragged import Ragged, fingerprint


class ReadingRow(NamedTuple):
    """A question and a window of a text."""

    question: int
    """Number of the question."""
    text: int
    """Number of the text."""
    start: int
    """First token of the window in the text."""
    end: int
    """Behind its last one."""
    answers: tuple[tuple[int, int], ...] = ()
    """First and last token in the text of each right answer that stands whole in the window."""


class ReadingDataset:
    """Rows [CLS] question [SEP] window [SEP], put together batch by batch.

    Args:
        questions: token ids of each question.
        texts: token ids of each text.
        rows: which questions are asked of which windows.
        tokenizer: brings the special tokens.
        segments: whether the window and its [SEP] are segment 1.
        labelled: whether the rows' answers are known; a row without any says "not here".
    """

    def __init__(
        self,
        questions: Sequence[Sequence[int]],
        texts: Sequence[Sequence[int]],
        rows: Sequence[ReadingRow],
        tokenizer: Tokenizer,
        *,
        segments: bool,
        labelled: bool,
    ) -> None:
        # The padding token is there to be looked at where nothing else is.
        parts = Ragged.from_rows([*questions, *texts, [tokenizer.pad_id]], np.int32)
        self._tokens, begins, sizes = parts.values, parts.starts, parts.counts
        flat = np.array([row[:4] for row in rows], np.int64).reshape(-1, 4)
        question, text = flat[:, 0], flat[:, 1] + len(questions)
        self._question_begins, self._question_sizes = begins[question], sizes[question]
        self._window_begins, self._window_sizes = begins[text] + flat[:, 2], flat[:, 3] - flat[:, 2]
        self.lengths: Rows = self._question_sizes + self._window_sizes + 3
        self.text_begins: Rows = self._question_sizes + 2
        """Where the window begins in each row."""
        self._segments = segments
        self._specials = (tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id)
        self._targets = self._answers = None
        if labelled:
            self._answers = np.array([max(1, len(row.answers)) for row in rows], np.int64)
            shape = (len(rows), int(self._answers.max(initial=1)), 2)
            self._targets = np.zeros(shape, np.int64)
            shifts = (self.text_begins - flat[:, 2]).tolist()
            for targets, row, shift in zip(self._targets, rows, shifts, strict=True):
                for place, answer in enumerate(row.answers):
                    targets[place] = answer[0] + shift, answer[1] + shift

    def __len__(self) -> int:
        return len(self.lengths)

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        return fingerprint(
            repr((self._specials, self._segments)).encode(),
            *(self._tokens, self._question_begins, self._question_sizes),
            *(self._window_begins, self._window_sizes, self._targets, self._answers),
        )

    def batch(self, rows: Rows) -> ReadingBatch:
        """Those rows, padded to the longest of them."""
        lengths, begins = self.lengths[rows], self.text_begins[rows]
        columns = np.arange(int(lengths.max()))
        cls, sep, pad = self._specials
        of_text = columns >= begins[:, None]  # (b s)
        place = np.where(
            of_text,
            (self._window_begins[rows] - begins)[:, None] + columns,
            (self._question_begins[rows] - 1)[:, None] + columns,
        )
        ids = self._tokens.take(place, mode="clip").astype(np.int64)
        ids[:, 0] = cls
        ids[np.arange(len(rows)), begins - 1] = sep
        ids[np.arange(len(rows)), lengths - 1] = sep
        real = columns < lengths[:, None]
        ids[~real] = pad
        targets = answers = None
        if self._targets is not None and self._answers is not None:
            answers = torch.from_numpy(self._answers[rows])
            targets = torch.from_numpy(self._targets[rows][:, : int(answers.max())])
        return ReadingBatch(
            ids=torch.from_numpy(ids),
            segments=torch.from_numpy((of_text & real).astype(np.int64))
            if self._segments
            else None,
            lengths=None if real.all() else torch.from_numpy(lengths),
            begins=torch.from_numpy(begins),
            targets=targets,
            answers=answers,
        )
