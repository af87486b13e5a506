"""WordPiece, as BERT cuts text, with offsets into the original string.

The work is done by the `tokenizers` library, and offsets come from nowhere else: a token is never
searched for in the text.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wenlu.atomic import atomic_write
from wenlu.errors import CheckpointError, ConfigError, DataError, closest
from wenlu.text.accepted import check_accepted
from wenlu.text.joining import Joined, share
from wenlu.text.normalization import UNCASED, Normalization
from wenlu.text.vocabulary import (
    CLS,
    MASK,
    PAD,
    REQUIRED,
    SEP,
    UNKNOWN,
    check_vocabulary,
    read_utf8,
    read_vocabulary,
)

if TYPE_CHECKING:
    import tokenizers

_SLICE = 1024  # texts handed to the library at once: its encodings are large, ours are not
_POLICY_KEYS = {  # field of Normalization -> its name in tokenizer_config.json
    "lowercase": "do_lower_case",
    "strip_accents": "strip_accents",
    "chinese_chars": "tokenize_chinese_chars",
}
_AS_SAVED = ("PreTrainedTokenizerFast", "TokenizersBackend")  # take tokenizer.json as it stands


@dataclass(frozen=True, slots=True)
class Encoding:
    """The tokens of one text, without special tokens."""

    ids: list[int]

    offsets: list[tuple[int, int]] | None
    """Start and end of each token in the original string, in code points; None if not asked for."""

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer:
    """Cuts text into the WordPiece tokens of one vocabulary.

    Made by `from_folder`, `from_vocab`, `from_json` or `from_tokens`. The names of special tokens
    are ordinary text when they stand in a text: only `join` puts special tokens in.

    Args:
        library: a WordPiece tokenizer of the `tokenizers` library, which is changed: truncation
            and padding are switched off.
        source: where it came from, for messages.
    """

    def __init__(self, library: "tokenizers.Tokenizer", source: str) -> None:
        state = json.loads(library.to_str())
        words = state["model"]["vocab"]
        ids = library.get_vocab(with_added_tokens=True)
        self.source = source
        self.normalization = Normalization.from_library(state["normalizer"])
        """The policy; None if a `tokenizer.json` brought one that is not BERT's."""
        self.vocabulary = _by_id(ids, source)
        """The tokens, by id."""
        check_vocabulary(self.vocabulary, source)
        if state["model"]["unk_token"] != UNKNOWN or UNKNOWN not in words:
            raise CheckpointError(
                f"{source} calls the unknown token {state['model']['unk_token']!r}; "
                f"it must be {UNKNOWN} and stand in the vocabulary."
            )
        library.no_truncation()
        library.no_padding()
        library.encode_special_tokens = True  # their names in a text are text
        self._library, self._ids = library, ids
        self.pad_id, self.unknown_id = ids[PAD], ids[UNKNOWN]
        self.cls_id, self.sep_id = ids[CLS], ids[SEP]

    @classmethod
    def from_tokens(
        cls,
        tokens: Sequence[str],
        normalization: Normalization = UNCASED,
        *,
        source: str = "the list of tokens",
    ) -> "Tokenizer":
        """From the tokens themselves, by id."""
        check_vocabulary(tokens, source)
        from tokenizers import Tokenizer as Library
        from tokenizers.models import WordPiece
        from tokenizers.pre_tokenizers import BertPreTokenizer

        ids = {token: number for number, token in enumerate(tokens)}
        library = Library(WordPiece(ids, unk_token=UNKNOWN))
        library.normalizer = normalization.to_library()
        library.pre_tokenizer = BertPreTokenizer()
        return cls(library, source)

    @classmethod
    def from_vocab(
        cls, path: str | PathLike[str], normalization: Normalization = UNCASED
    ) -> "Tokenizer":
        """From a `vocab.txt`, one token a line; the file says nothing of the normalisation."""
        tokens = read_vocabulary(Path(path))
        return cls.from_tokens(tokens, normalization, source=str(path))

    @classmethod
    def from_json(cls, path: str | PathLike[str]) -> "Tokenizer":
        """From a `tokenizer.json` with a WordPiece model, normalisation included."""
        return cls(_library(_read_json(Path(path)), str(path)), str(path))

    @classmethod
    def from_folder(cls, folder: str | PathLike[str]) -> "Tokenizer":
        """From a model's folder: its `tokenizer.json`, or else its `vocab.txt`.

        What `tokenizer_config.json` says of the normalisation (`do_lower_case`, `strip_accents`,
        `tokenize_chinese_chars`) holds for both, as it does in `transformers`.
        """
        folder = Path(folder)
        saved, plain = folder / "tokenizer.json", folder / "vocab.txt"
        settings = folder / "tokenizer_config.json"
        config = _read_json(settings) if settings.exists() else {}
        policy = {
            field: config[key]
            for field, key in _POLICY_KEYS.items()
            if key in config and config.get("tokenizer_class") not in _AS_SAVED
        }
        for field, value in policy.items():
            if not (isinstance(value, bool) or (value is None and field == "strip_accents")):
                raise CheckpointError(
                    f"{settings}: {_POLICY_KEYS[field]} is {value!r}; it must be true or false."
                )
        if saved.exists():
            state = _read_json(saved)
            library = _library(state, str(saved))
            own = Normalization.from_library(state.get("normalizer"))
            if own is not None and policy:
                library.normalizer = replace(own, **policy).to_library()
            return cls(library, str(saved))
        if plain.exists():
            return cls.from_vocab(plain, replace(UNCASED, **policy))
        lacks = "has neither" if folder.is_dir() else "is no folder, so it has neither"
        raise CheckpointError(
            f"{folder} {lacks} tokenizer.json nor vocab.txt. Give the folder of the model that "
            "the tokenizer belongs to."
        )

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __repr__(self) -> str:
        return f"Tokenizer({len(self)} tokens from {self.source}, {self.normalization})"

    @property
    def mask_id(self) -> int:
        """The id of [MASK]; an error where the vocabulary has none."""
        if MASK not in self._ids:
            raise CheckpointError(
                f"{self.source} has no {MASK}; masked language modelling and cloze prompts need it."
            )
        return self._ids[MASK]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The tokens that ids stand for."""
        count, found = len(self.vocabulary), []
        for number in ids:
            if not 0 <= number < count:
                raise ConfigError(f"id {number} is not in {self.source}: ids go to {count - 1}.")
            found.append(self.vocabulary[number])
        return found

    def ids(self, tokens: Iterable[str]) -> list[int]:
        """The ids of tokens, which must all be in the vocabulary (text is for `encode`)."""
        found = []
        for token in tokens:
            if token not in self._ids:
                near = closest(token, self._ids)
                raise ConfigError(f"{self.source} has no token {token!r}; the closest are {near}.")
            found.append(self._ids[token])
        return found

    def encode(self, text: str) -> Encoding:
        """The tokens of one text, with offsets."""
        try:
            found = self._library.encode(text, add_special_tokens=False)
        except TypeError:
            _refuse([text])
            raise
        return Encoding(found.ids, found.offsets)

    def encode_batch(self, texts: Sequence[str], *, offsets: bool = True) -> list[Encoding]:
        """The tokens of many texts, on all cores.

        Args:
            texts: the texts.
            offsets: whether to keep track of offsets; without them it is faster.
        """
        if isinstance(texts, str):
            raise DataError("encode_batch takes a list of texts; for one text use encode.")
        run = self._library.encode_batch if offsets else self._library.encode_batch_fast
        encodings: list[Encoding] = []
        for start in range(0, len(texts), _SLICE):
            batch = list(texts[start : start + _SLICE])
            try:
                if not all(isinstance(text, str) for text in batch):
                    raise TypeError  # the library would take a tuple for a pair of texts
                found = run(batch, add_special_tokens=False)
            except TypeError:
                _refuse(batch, start)
                raise
            if offsets:
                encodings += [Encoding(one.ids, one.offsets) for one in found]
            else:
                encodings += [Encoding(one.ids, None) for one in found]
        return encodings

    def join(
        self,
        first: list[int],
        second: list[int] | None,
        max_length: int,
        *,
        segments: bool = True,
    ) -> Joined:
        """[CLS] first [SEP], or [CLS] first [SEP] second [SEP], in at most `max_length` tokens.

        What is too long loses its last token, again and again: the longer part does, or the
        second if they are equal.

        Args:
            first: ids of the first part.
            second: ids of the second part, if there is one.
            max_length: number of tokens that may come out, special tokens included.
            segments: whether the second part is segment 1; otherwise all is segment 0.
        """
        room = max_length - (2 if second is None else 3)
        if room < 0:
            raise ConfigError(
                f"max_length {max_length} has no room for the special tokens; "
                f"it must be {max_length - room} or more."
            )
        if second is None:
            kept = first[:room]
            ids = [self.cls_id, *kept, self.sep_id]
            return Joined(ids, [0] * len(ids), len(first) - len(kept), len(ids))
        a, b = share(len(first), len(second), room)
        ids = [self.cls_id, *first[:a], self.sep_id, *second[:b], self.sep_id]
        marks = [0] * (a + 2) + [int(segments)] * (b + 1)
        return Joined(ids, marks, len(first) + len(second) - a - b, a + 2)

    def unknown_share(self, encodings: Iterable[Encoding]) -> float:
        """The share of [UNK] among all tokens; 0 if there are none."""
        unknown = total = 0
        for encoding in encodings:
            unknown += encoding.ids.count(self.unknown_id)
            total += len(encoding.ids)
        return unknown / total if total else 0.0

    def save(self, folder: str | PathLike[str]) -> None:
        """Write `vocab.txt`, `tokenizer.json` and `tokenizer_config.json`, made if need be.

        `transformers.AutoTokenizer.from_pretrained(folder)` then gives the same ids, with [CLS]
        and [SEP] added, once the folder has the model's `config.json` too.
        """
        folder = Path(folder)
        for number, token in enumerate(self.vocabulary):
            if "\n" in token or "\r" in token:
                raise CheckpointError(
                    f"token {number} of {self.source} is {token!r}: vocab.txt has one token a "
                    "line, so a token cannot hold a line break. Rename it to [unusedN]."
                )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"cannot make the folder {folder}: {error.strerror}.") from None
        config: dict[str, Any] = {
            "tokenizer_class": "BertTokenizer" if self.is_plain() else _AS_SAVED[0],
            "pad_token": PAD,
            "unk_token": UNKNOWN,
            "cls_token": CLS,
            "sep_token": SEP,
            "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        }
        if MASK in self._ids:
            config["mask_token"] = MASK
        if self.normalization is not None:
            for field, key in _POLICY_KEYS.items():
                config[key] = getattr(self.normalization, field)
        with atomic_write(folder / "vocab.txt") as file:
            file.writelines(f"{token}\n" for token in self.vocabulary)
        with atomic_write(folder / "tokenizer.json") as file:
            file.write(self._with_specials().to_str(pretty=True))
        with atomic_write(folder / "tokenizer_config.json") as file:
            file.write(json.dumps(config, ensure_ascii=False, indent=2) + "\n")

    def _with_specials(self) -> "tokenizers.Tokenizer":
        """A copy of the library's tokenizer that adds [CLS] and [SEP] itself."""
        from tokenizers import Tokenizer as Library
        from tokenizers.decoders import WordPiece
        from tokenizers.processors import TemplateProcessing

        library = Library.from_str(self._library.to_str())
        library.add_special_tokens([token for token in (*REQUIRED, MASK) if token in self._ids])
        library.post_processor = TemplateProcessing(
            single=f"{CLS}:0 $A:0 {SEP}:0",
            pair=f"{CLS}:0 $A:0 {SEP}:0 $B:1 {SEP}:1",
            special_tokens=[(CLS, self.cls_id), (SEP, self.sep_id)],
        )
        library.decoder = WordPiece()
        return library

    def to_json(self) -> str:
        """The content of a `tokenizer.json`: all that is known of how text is cut."""
        return self._library.to_str()

    def is_plain(self) -> bool:
        """Whether the `BertTokenizer` of `transformers`, which has fixed parts, is the same."""
        state = json.loads(self._library.to_str())
        model = {name: value for name, value in state["model"].items() if name != "vocab"}
        return (
            self.normalization is not None
            and self.normalization.clean_text
            and state["pre_tokenizer"] == {"type": "BertPreTokenizer"}
            and model.get("continuing_subword_prefix") == "##"
            and model.get("max_input_chars_per_word") == 100
            and all(token["content"] in (*REQUIRED, MASK) for token in state["added_tokens"])
        )


def _read_json(path: Path) -> dict[str, Any]:
    text = read_utf8(path)
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}. Fetch it again.") from None
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds a JSON {type(state).__name__}, not an object.")
    return state


def _library(state: Mapping[str, Any], source: str) -> "tokenizers.Tokenizer":
    """The library's tokenizer for the content of a `tokenizer.json`."""
    from tokenizers import Tokenizer as Library

    model = state.get("model")
    kind = model.get("type") if isinstance(model, dict) else None
    if isinstance(kind, str) and kind != "WordPiece":
        raise CheckpointError(
            f"{source} holds a {kind} model; only WordPiece, the model of BERT, can be read."
        )
    check_accepted(state, source)
    try:
        library = Library.from_str(json.dumps(state))
    except BaseException as error:  # the library raises bare Exceptions, and panics
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise CheckpointError(f"{source} is no tokenizer.json of `tokenizers`: {error}.") from None
    if type(library.model).__name__ != "WordPiece":
        kind = type(library.model).__name__
        raise CheckpointError(
            f"{source} holds a {kind} model; only WordPiece, the model of BERT, can be read."
        )
    return library


def _by_id(ids: Mapping[str, int], source: str) -> list[str]:
    """The tokens in the order of their ids; an id without a token is a blank line."""
    tokens = [""] * (max(ids.values(), default=-1) + 1)
    taken = set()
    for token, number in ids.items():
        if number in taken:
            raise CheckpointError(
                f"{source} gives id {number} to both {tokens[number]!r} and {token!r}."
            )
        taken.add(number)
        tokens[number] = token
    return tokens


def _refuse(texts: Sequence[object], start: int = 0) -> None:
    """Say which text the library cannot take, and why."""
    for number, text in enumerate(texts, start):
        which = f"text {number} " if len(texts) > 1 or start else "the text "
        if not isinstance(text, str):
            raise DataError(f"{which}is of type {type(text).__name__}; it must be a string.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{which}has a lone surrogate, U+{ord(text[error.start]):04X}, at index "
                f"{error.start}: half of a character that was cut apart. Read the file again as "
                "the encoding it has, or drop it: text.encode('utf-8', 'ignore').decode()."
            ) from None
