"""What tells one image in the cache from another."""

from __future__ import annotations

import dataclasses

from pvs_lab.recipes import recipe


def test_a_field_that_came_later_leaves_the_images_before_it_in_the_cache() -> None:
    card = recipe("trixie", "networkmanager")
    fields = {field.name for field in dataclasses.fields(card)}
    assert set(card.description()) == fields - {"is_card", "early_files", "links"}


def test_an_image_without_a_card_is_another_one() -> None:
    card = recipe("trixie", "networkmanager")
    programs = dataclasses.replace(card, is_card=False)
    assert programs.description() == {**card.description(), "is_card": False}
