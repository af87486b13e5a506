import torch

from wenlu.nn import Embeddings, LayerNorm


def make(**options: object) -> Embeddings:
    usual = {
        "positions": 6,
        "segments": 2,
        "norm": LayerNorm(),
        "dropout": 0.0,
        "output_width": None,
    }
    return Embeddings(11, 4, **(usual | options))  # type: ignore[arg-type]


IDS = torch.tensor([[3, 1, 4], [1, 5, 9]])
PLACES = torch.arange(3)[None]


def test_token_position_and_segment_are_summed_and_normed() -> None:
    embeddings = make()
    segments = torch.tensor([[0, 0, 1], [0, 1, 1]])
    total = (
        embeddings.token.weight[IDS]
        + embeddings.position.weight[:3]
        + embeddings.segment.weight[segments]
    )
    expected = (total - total.mean(-1, keepdim=True)) / total.std(-1, correction=0, keepdim=True)
    torch.testing.assert_close(embeddings(IDS, segments, PLACES), expected)


def test_without_segments_all_tokens_are_of_segment_0() -> None:
    embeddings = make()
    zeros = torch.zeros_like(IDS)
    assert torch.equal(embeddings(IDS, None, PLACES), embeddings(IDS, zeros, PLACES))


def test_positions_are_looked_up_and_not_counted() -> None:
    embeddings = make()
    there = embeddings(IDS, None, torch.tensor([[5, 0, 2]]))
    here = embeddings(IDS.roll(1, 1), None, torch.tensor([[2, 5, 0]]))
    torch.testing.assert_close(here, there.roll(1, 1))


def test_parts_may_be_left_out() -> None:
    bare = make(positions=0, segments=0, norm=None)
    assert torch.equal(bare(IDS, None, PLACES), bare.token.weight[IDS])
    assert [name for name, _ in bare.named_parameters()] == ["token.weight"]


def test_narrow_embeddings_are_projected_after_the_norm() -> None:
    narrow = make(output_width=7)
    wide = narrow(IDS, None, PLACES)
    assert wide.shape == (2, 3, 7)
    projection, narrow.projection = narrow.projection, None
    torch.testing.assert_close(projection(narrow(IDS, None, PLACES)), wide)
