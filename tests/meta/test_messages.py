"""Catalogues of translations: what is committed is what was compiled."""

from __future__ import annotations

import pytest

from tests.messages import ROOT, as_mo, brought_up_to_date, catalogues, holes, language_of


@pytest.mark.parametrize("path", catalogues(), ids=language_of)
def test_the_compiled_catalogue_is_made_of_the_one_that_people_read(path) -> None:  # type: ignore[no-untyped-def]
    assert path.with_suffix(".mo").read_bytes() == as_mo(path.read_bytes(), language_of(path))


@pytest.mark.parametrize("path", catalogues(), ids=language_of)
def test_every_text_of_the_code_has_a_translation_with_the_same_values(path) -> None:  # type: ignore[no-untyped-def]
    missing = [message.id for message in holes(brought_up_to_date(path))]
    assert missing == [], "`make messages`, then translate these in " + str(path)


def test_a_translation_that_loses_a_value_is_a_hole() -> None:
    from babel.messages.catalog import Catalog

    catalogue = Catalog(locale="fr")
    catalogue.add("{n} of {all}", "{n} sur {tout}")
    catalogue.add(("{n} post", "{n} posts"), ("une publication", "{n} publications"))
    catalogue.add("Next", "")
    assert [message.id for message in holes(catalogue)] == ["{n} of {all}", "Next"]


def test_scripts_find_their_words_in_the_page() -> None:
    from tikdash.templatetags.ui import OF_SCRIPTS

    scripts = "".join(path.read_text() for path in (ROOT / "tikdash" / "static" / "tikdash").glob("*.js"))
    for text in OF_SCRIPTS:
        assert f't("{text}")' in scripts
