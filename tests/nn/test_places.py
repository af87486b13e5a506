import torch

from wenlu.nn import Places
from wenlu.nn.places import in_order


def test_distance_is_key_minus_query() -> None:
    places = Places(query=torch.tensor([[3, 4]]), key=torch.tensor([[0, 3, 9]]))
    assert places.distance.tolist() == [[[-3, 0, 6], [-4, -1, 5]]]


def test_rows_may_have_positions_of_their_own() -> None:
    key = torch.tensor([[0, 1, 2], [0, 0, 1]])
    assert Places(key, key).distance.tolist() == [
        [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
        [[0, 0, 1], [0, 0, 1], [-1, -1, 0]],
    ]


def test_in_order_places_the_queries_last() -> None:
    places = in_order(2, start=3)
    assert places.query.tolist() == [[3, 4]]
    assert places.key.tolist() == [[0, 1, 2, 3, 4]]
    assert places.first == 3
    assert places.counted
