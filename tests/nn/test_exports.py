import wenlu.nn


def test_the_front_door_lists_what_it_offers_in_order() -> None:
    assert wenlu.nn.__all__ == sorted(wenlu.nn.__all__)
    assert all(hasattr(wenlu.nn, name) for name in wenlu.nn.__all__)
