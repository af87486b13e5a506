import wenlu.nn


def _rank(name: str) -> tuple[bool, str]:
    """Constants first."""
    return not name.isupper(), name


def test_the_front_door_lists_what_it_offers_in_order() -> None:
    assert wenlu.nn.__all__ == sorted(wenlu.nn.__all__, key=_rank)
    assert all(hasattr(wenlu.nn, name) for name in wenlu.nn.__all__)
