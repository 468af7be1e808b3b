"""What is written out when a template is compiled says the same as when it is rendered."""

from __future__ import annotations

from typing import Any

import pytest
from django.template import Context, Engine, Template, engines
from django.template.base import TextNode
from django.template.defaulttags import URLNode
from django.template.loader import get_template
from django.utils.translation import override

from tikdash.ui.folding import Loader, fold

LIBRARIES = {"i18n": "django.templatetags.i18n", "static": "django.templatetags.static"}
ENGINE = Engine(libraries=LIBRARIES, builtins=["django.templatetags.i18n", "tikdash.templatetags.ui"])
SAME = (
    '{% load i18n %}<p>{% translate "Accounts" %}</p>',
    '{% icon "info" 16 %}{% icon "alert" %}',
    "{% blocktranslate %}Stop tracking{% endblocktranslate %}",
    "{% comment %}nothing{% endcomment %}{% translate '100%% of it' %}",
)
OTHER = (
    "{{ name }}",
    "{% translate name %}",
    "{% translate 'Accounts' as word %}{{ word }}",
    "{% translate 'Accounts'|upper %}",
    "{% blocktranslate %}{{ name }} means{% endblocktranslate %}",
    "{% icon name %}",
    "{% number count %}",
    "{% language 'fr' %}{% translate 'Accounts' %}{% endlanguage %}",
)
WITHIN = (
    "{% if count %}{% translate 'Accounts' %}{% elif name %}{{ name }}{% else %}{% translate 'Posts' %}{% endif %}",
    "{% for each in list %}{% translate 'Posts' %}{{ each }}{% empty %}{% translate 'Accounts' %}{% endfor %}",
    "{% with x=count %}{% translate 'Posts' %}{{ x }}{% endwith %}",
)


def compiled(text: str, language: str, *, folded: bool) -> tuple[list[type], str]:
    """The kinds of nodes, and what they give."""
    with override(language):
        template = ENGINE.from_string(text)
        if folded:
            fold(template)
        context = Context({"name": "<b>Accounts</b>", "count": 1_284, "list": [1, 2]})
        return [type(node) for node in template.nodelist], template.render(context)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("text", SAME)
def test_what_is_always_the_same_is_one_text(text: str, language: str) -> None:
    nodes, said = compiled(text, language, folded=True)
    assert nodes == [TextNode] and said == compiled(text, language, folded=False)[1]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("text", OTHER + WITHIN)
def test_what_depends_on_the_page_stays(text: str, language: str) -> None:
    nodes, said = compiled(text, language, folded=True)
    assert nodes != [TextNode] and said == compiled(text, language, folded=False)[1]


def test_an_address_with_a_name_is_found_once_and_an_address_that_is_not_there_is_empty() -> None:
    text = "{% url 'home' as home %}{% url 'nowhere' as none %}[{{ home }}][{{ none }}]{% url 'home' %}"
    nodes, said = compiled(text, "en", folded=True)
    assert URLNode not in nodes and said == compiled(text, "en", folded=False)[1] and said.startswith("[/")
    for other in ("{% url name as x %}{{ x }}", "{% url 'admin:index' as x %}{{ x }}"):
        nodes, said = compiled(other, "en", folded=True)
        assert nodes[0] is URLNode and said == compiled(other, "en", folded=False)[1]


PAGES = {
    "page.html": "{% include 'parts/word.html' %}{% include name %}{% include './parts/word.html' with count=2 only %}",
    "parts/word.html": "{% translate 'Accounts' %}{{ count }}{% if count > 2 %}{% include './less.html' %}{% endif %}",
    "parts/less.html": "{% with count=count|add:-1 %}{% include 'parts/word.html' %}{% endwith %}",
}


def test_what_is_included_is_looked_for_once_and_is_in_its_language() -> None:
    class Counting(Loader):
        def get_template(self, template_name: str, skip: Any = None) -> Template:
            asked.append(template_name)
            return super().get_template(template_name, skip)

    asked: list[str] = []
    engine = Engine(libraries=LIBRARIES, builtins=["django.templatetags.i18n"])
    engine.template_loaders = [Counting(engine, [("django.template.loaders.locmem.Loader", PAGES)])]
    said = {}
    for language in ("en", "fr", "en"):
        with override(language):
            page = engine.get_template("page.html")
            said[language] = page.render(Context({"count": 4, "name": "parts/less.html"}))
    assert said["en"].startswith("Accounts4Accounts3Accounts2") and said["fr"].startswith("Comptes4Comptes3Comptes2")
    del asked[:]
    with override("en"):
        assert page.render(Context({"count": 4, "name": "parts/less.html"})) == said["en"]
    assert asked == ["parts/less.html"], "only what has no name of its own is looked for again"


def test_what_was_included_in_another_language_is_not_remembered() -> None:
    engine = Engine(libraries=LIBRARIES, builtins=["django.templatetags.i18n"])
    engine.template_loaders = [Loader(engine, [("django.template.loaders.locmem.Loader", PAGES)])]
    with override("en"):
        page = engine.get_template("parts/word.html")
    with override("fr"):
        page.render(Context({"count": 3}))
    with override("en"):
        assert page.render(Context({"count": 3})) == "Accounts3Accounts2"


def test_each_language_has_its_own() -> None:
    said = {}
    for language in ("en", "fr", "en"):
        with override(language):
            said[language] = get_template("_partials/theme.html").render({})
    assert "Light" in said["en"] and "Light" not in said["fr"] and "Clair" in said["fr"]


def test_a_template_is_compiled_once_a_language() -> None:
    [loader] = engines["django"].engine.template_loaders
    with override("fr"):
        assert loader.get_template("_partials/theme.html") is loader.get_template("_partials/theme.html")
        french = loader.get_template("_partials/theme.html")
    with override("en"):
        assert loader.get_template("_partials/theme.html") is not french
