"""What happens to a text before it is cut into words, said openly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers.normalizers import BertNormalizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Normalization:
    """The normalisation of BERT (Devlin et al., https://arxiv.org/abs/1810.04805), as a policy.

    The steps run in the order of the fields, except that accents go before letters are lowered.
    Offsets always point into the original string. `docs/text.md` lists what becomes of full-width
    letters, emoji, zero-width and other special characters.
    """

    clean_text: bool = True
    """Drop control, format and private-use characters, NUL and U+FFFD; make any white space an
    ordinary space."""

    chinese_chars: bool = True
    """Put a space on either side of every hanzi, so that each is a word of its own."""

    lowercase: bool = True
    """Lower every letter by itself (so that Σ is always σ), full-width and accented ones too."""

    strip_accents: bool | None = None
    """Decompose (NFD) and drop nonspacing marks: é becomes e. Hangul syllables come apart into
    letters. None: as `lowercase`."""

    @property
    def strips_accents(self) -> bool:
        """Whether accents are dropped, with None resolved."""
        return self.lowercase if self.strip_accents is None else self.strip_accents

    @classmethod
    def from_library(cls, state: Mapping[str, Any] | None) -> "Normalization | None":
        """The policy that the `normalizer` of a `tokenizer.json` states; None if it is another."""
        if state is None or state.get("type") != "BertNormalizer":
            return None
        return cls(
            clean_text=state["clean_text"],
            chinese_chars=state["handle_chinese_chars"],
            lowercase=state["lowercase"],
            strip_accents=state["strip_accents"],
        )

    def to_library(self) -> "BertNormalizer":
        """The normalizer of the `tokenizers` library that follows this policy."""
        from tokenizers.normalizers import BertNormalizer

        return BertNormalizer(
            clean_text=self.clean_text,
            handle_chinese_chars=self.chinese_chars,
            strip_accents=self.strip_accents,
            lowercase=self.lowercase,
        )


UNCASED = Normalization()
"""The policy of nearly all Chinese checkpoints: letters lowered, accents dropped."""

CASED = Normalization(lowercase=False)
"""The policy of cased checkpoints: letters and accents stay."""
