"""Models of the Hugging Face hub by their id, kept in that library's own cache.

Configuration, vocabulary and weights are fetched and read as data, as from any folder; code that
a repository may hold is not even fetched. Where the hub cannot be reached, the cache serves.
`HF_ENDPOINT` names a mirror, `HF_HUB_OFFLINE=1` forbids the network, `HF_TOKEN` opens what is
private; wenlu itself keeps and prints no token.
"""

import re
import sys
from functools import partial
from pathlib import Path

from wenlu.checkpoints.beside import NOTES, TENSORS
from wenlu.checkpoints.recognise import TOKENIZER_FILES
from wenlu.checkpoints.weights import find_weights
from wenlu.errors import CheckpointError

_ID = re.compile(r"(?P<repository>[a-z0-9][\w.-]*/[a-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?", re.I)

_SMALL = ("config.json", *TOKENIZER_FILES, NOTES, TENSORS)
_SAFETENSORS = ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json")
_PICKLED = ("pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json")
"""Read without running what a pickle may hold, but only fetched where there is nothing better."""


def is_hub_id(name: str) -> bool:
    """Whether it reads `owner/name` or `owner/name@revision`, and no folder `owner` is here."""
    return _ID.fullmatch(name) is not None and not Path(name).parent.is_dir()


def hub_folder(name: str) -> Path:
    """The folder in the cache that holds the model; what it lacks is fetched.

    Args:
        name: `owner/name`, and after an @ a branch, tag or commit.

    Raises:
        CheckpointError: there is no such model, it is not for everybody, or the hub cannot be
            reached and the cache does not have it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (  # type: ignore[attr-defined]  # of HTTPError
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars

    if not sys.stderr.isatty() and not are_progress_bars_disabled():
        disable_progress_bars()
    parts = _ID.fullmatch(name)
    assert parts is not None, name
    fetch = partial(snapshot_download, parts["repository"], revision=parts["revision"])
    try:
        folder = Path(fetch(allow_patterns=[*_SMALL, *_SAFETENSORS]))
        if find_weights(folder) is None:
            folder = Path(fetch(allow_patterns=[*_SMALL, *_PICKLED]))
    except GatedRepoError:
        why = "it is only for who has agreed to its terms there and is logged in: hf auth login"
    except RepositoryNotFoundError:
        why = "there is none of that name, or it is private: hf auth login"
    except RevisionNotFoundError:
        why = f"it has no revision {parts['revision']!r}"
    except (EntryNotFoundError, HfHubHTTPError, HTTPError) as error:
        reason = str(error.__cause__ or error).strip().split("\n")[0]
        why = f"the hub cannot be reached, and the cache does not have it whole ({reason})"
    else:
        return folder
    raise CheckpointError(
        f"no model {name!r}: there is no such folder, and on the Hugging Face hub: {why}"
    )
