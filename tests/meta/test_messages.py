"""Catalogues of translations: what is committed is what was compiled."""

from __future__ import annotations

import pytest

from tests.messages import as_mo, catalogues, language_of


@pytest.mark.parametrize("path", catalogues(), ids=language_of)
def test_the_compiled_catalogue_is_made_of_the_one_that_people_read(path) -> None:  # type: ignore[no-untyped-def]
    assert path.with_suffix(".mo").read_bytes() == as_mo(path.read_bytes(), language_of(path))
