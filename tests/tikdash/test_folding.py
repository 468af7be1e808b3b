"""What is written out when a template is compiled says the same as when it is rendered."""

from __future__ import annotations

import pytest
from django.template import Context, Engine, engines
from django.template.base import TextNode
from django.template.loader import get_template
from django.utils.translation import override

from tikdash.ui.folding import fold

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
