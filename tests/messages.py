"""Texts for translators, without GNU gettext: `python -m tests.messages` writes the catalogues anew.

Reads templates as Django does and code with Babel, brings `tikdash/locale/*/LC_MESSAGES/django.po` up to date, keeping
what is translated, and compiles `django.mo`, which is committed so that a clone needs no tool. With `--check` it writes
nothing and fails where a catalogue is behind the code, has a hole, or is not what its compiled form was made of.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = ROOT / "tikdash" / "locale"
PACKAGES = ("accounts", "billing", "snapshots", "tikdash")
#: Not for customers: the admin is in English, and the simulator speaks for somebody else.
PASSED_OVER = ("templates/admin/", "tikdash/tiklive/simulator/")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "N_"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    "npgettext": ((1, "c"), 2, 3),
}
#: Written into compiled catalogues, so that the same text always gives the same bytes.
ONE_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def sources() -> Iterator[Path]:
    """Templates and modules, by name."""
    paths = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")]
    for package in PACKAGES:
        paths += (ROOT / package).rglob("*.py")
    for path in sorted(paths):
        if not str(path.relative_to(ROOT)).startswith(PASSED_OVER):
            yield path


def messages_of(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    """Every text of a file with its context; a text with a plural is a pair."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        # What is no text becomes letters for xgettext; line by line they are also Python.
        text = "\n".join(line.strip() for line in templatize(text).splitlines())
        text = re.sub(r"^[^_gnp]*?(?=_\(|gettext\(|ngettext\(|pgettext\(|npgettext\()", "", text, flags=re.MULTILINE)
    for _, message, _, context in extract("python", BytesIO(text.encode()), keywords=KEYWORDS):
        yield message, context


def extracted() -> Catalog:
    """All texts of the code, each with the files that it is in."""
    catalogue = Catalog(charset="utf-8")
    for path in sources():
        place = str(path.relative_to(ROOT))
        for message, context in messages_of(path):
            catalogue.add(message, locations=[(place, 0)], context=context)
    return catalogue


def brought_up_to_date(path: Path) -> Catalog:
    """The catalogue at `path` with the texts of the code: new ones are empty, those that are gone have gone."""
    language = language_of(path)
    old = read_po(BytesIO(path.read_bytes()), locale=language)
    new = Catalog(locale=language, charset="utf-8", fuzzy=False)
    # CLDR's French has a third form for round millions ("un million de vues"), which short numbers never show.
    new.mime_headers = [("Plural-Forms", old.plural_forms)]
    known = {(message.context, message.id): message for message in old if message.id}
    for message in extracted():
        if not message.id:
            continue
        before = known.get((message.context, message.id))
        places = sorted(set(message.locations))
        new.add(
            message.id,
            before.string if before else "",
            locations=places,
            flags=("python-brace-format",) if "python-brace-format" in message.flags else (),
            user_comments=before.user_comments if before else (),
            context=message.context,
        )
    return new


def as_po(catalogue: Catalog) -> bytes:
    """The catalogue as text: in one order, without line numbers and dates, so that each change of it says something."""
    out = BytesIO()
    write_po(out, catalogue, width=0, sort_by_file=True, include_lineno=False, omit_header=True)
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {catalogue.locale}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    return header.encode() + out.getvalue()


def as_mo(po: bytes, language: str) -> bytes:
    """The compiled form of a catalogue."""
    catalogue = read_po(BytesIO(po), locale=language)
    catalogue.revision_date = catalogue.creation_date = ONE_DAY
    catalogue.fuzzy = False
    out = BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def holes(catalogue: Catalog) -> list[Message]:
    """Texts without a translation, or with one that loses or invents a value."""
    return [message for message in catalogue if message.id and not _is_whole(message)]


def _is_whole(message: Message) -> bool:
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    strings = message.string if isinstance(message.string, tuple) else (message.string,)
    if len(strings) < len(ids) or not all(strings):
        return False
    # Of a plural each form may say the number in words.
    values = [set(re.findall(r"%\(\w+\)s|\{\w*[^{}]*\}", text)) for text in (*ids, *strings)]
    if len(ids) == 1:
        return values[0] == values[1]
    return values[3] == values[1] and values[2] <= values[1] and values[2] >= values[0] - {"%(n)s", "{n}"}


def catalogues() -> list[Path]:
    """The text forms of all languages but the one of the code."""
    return sorted(CATALOGUES.glob("*/LC_MESSAGES/django.po"))


def language_of(path: Path) -> str:
    """The language of a catalogue."""
    return path.parent.parent.name


def complaints() -> list[str]:
    """What is not as it should be, one line each."""
    found = []
    for path in catalogues():
        name, new = path.relative_to(ROOT), brought_up_to_date(path)
        found += [f"{name}: no translation, or not with its values: {message.id!r}" for message in holes(new)]
        if as_po(new) != path.read_bytes():
            found.append(f"{name} is behind the code: `make messages`")
        if as_mo(path.read_bytes(), language_of(path)) != path.with_suffix(".mo").read_bytes():
            found.append(f"{name.with_suffix('.mo')} was compiled from something else: `make messages`")
    return found


def main() -> int:
    if "--check" in sys.argv:
        found = complaints()
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    for path in catalogues():
        catalogue = brought_up_to_date(path)
        po = as_po(catalogue)
        path.write_bytes(po)
        path.with_suffix(".mo").write_bytes(as_mo(po, language_of(path)))
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {len(holes(catalogue))} to translate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
