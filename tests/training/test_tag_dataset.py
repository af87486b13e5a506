import numpy as np
import pytest

from wenlu.errors import ConfigError
from wenlu.training.tag_dataset import TagDataset

IDS, TAGS = [[2, 7, 8, 3], [2, 3], [2, 9, 3]], [[0, 1, 2, 0], [0, 0], [0, 5, 0]]


def test_rows_are_padded_to_the_longest_of_a_batch() -> None:
    data = TagDataset(IDS, tags=TAGS, pad_id=6)
    assert (len(data), data.lengths.tolist()) == (3, [4, 2, 3])
    batch = data.batch(np.array([2, 1]))
    assert batch.ids.tolist() == [[2, 9, 3], [2, 3, 6]]
    assert batch.tags is not None
    assert batch.tags.tolist() == [[0, 5, 0], [0, 0, 0]]
    assert batch.lengths is not None
    assert batch.lengths.tolist() == [3, 2]
    assert data.batch(np.array([0])).lengths is None


def test_without_tags() -> None:
    assert TagDataset(IDS, tags=None, pad_id=0).batch(np.array([0])).tags is None


def test_a_fingerprint_is_of_tokens_and_tags() -> None:
    def of(ids: list[list[int]], tags: list[list[int]] | None) -> bytes:
        return TagDataset(ids, tags=tags, pad_id=0).fingerprint()

    assert of(IDS, TAGS) == of(IDS, TAGS)
    others = [of(IDS, None), of(IDS, [[0, 1, 1, 0], *TAGS[1:]]), of([[2, 7, 9, 3], *IDS[1:]], TAGS)]
    assert len({of(IDS, TAGS), *others}) == 4


def test_every_token_needs_a_tag() -> None:
    with pytest.raises(ConfigError, match="every token needs a tag"):
        TagDataset(IDS, tags=[[0], [0], [0]], pad_id=0)
