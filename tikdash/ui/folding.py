"""Templates with what is always the same written out: words, pictures of the sprite, addresses of static files.

Half of the nodes of a page depend on nothing but the reader's language. They are rendered once, when a template
is compiled, which happens once a language and process; a request renders what is left.
"""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.template import Template
from django.template.base import FilterExpression, Node, NodeList, TextNode, TokenType
from django.template.context import Context
from django.template.defaulttags import CommentNode, IfNode, LoadNode, URLNode
from django.template.library import SimpleNode
from django.template.loader_tags import IncludeNode, construct_relative_path
from django.template.loaders import cached
from django.template.loaders.base import Loader as BaseLoader
from django.templatetags.i18n import BlockTranslateNode, LanguageNode, TranslateNode
from django.templatetags.static import StaticNode
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

__all__ = ["Loader", "fold"]

#: Tags of ours whose output depends on their arguments and on the language only.
SAME_EACH_TIME = {"icon"}


class _Included:
    """Stands for the name of an included template: finds it when it is rendered first, and not at each request."""

    def __init__(self, node: IncludeNode) -> None:
        self.name, self.origin, self.compiled_for = node.template, node.origin, _reader()
        self.template: Any = None

    def resolve(self, context: Context) -> Any:
        if self.template is not None:
            return self.template
        origin, template = cast("Any", self.origin), cast("Any", context.template)
        found = template.engine.get_template(construct_relative_path(origin.template_name, self.name.resolve(context)))
        if _reader() == self.compiled_for:
            self.template = found
        return found


class _Named(Node):
    """Gives a name to what `{% url … as name %}` finds each time; where there is no such address, to an empty text."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def render(self, context: Context) -> SafeString:
        context[self.name] = self.text
        return mark_safe("")


class _Folding(BaseLoader):
    def get_template(self, template_name: str, skip: Any = None) -> Template:
        template = super().get_template(template_name, skip)
        fold(template)
        return template


class Loader(cached.Loader, _Folding):
    """Django's cached loader with a compiled template for each language and each set of addresses."""

    def cache_key(self, template_name: str, skip: Any = None) -> str:
        return f"{_reader()}:{super().cache_key(template_name, skip)}"


def _reader() -> str:
    """What a template is compiled for: a language and a set of addresses."""
    return f"{get_language()}:{get_urlconf() or settings.ROOT_URLCONF}:{get_script_prefix()}"


def fold(template: Template) -> None:
    """Writes out what is always the same, in the language that is active now."""
    nothing = Context()
    with nothing.bind_template(template):
        _fold(template.nodelist, nothing)


def _fold(nodes: NodeList, nothing: Context) -> None:
    folded: list[Node] = []
    for node in nodes:
        for below in _below(node):
            _fold(below, nothing)
        if type(node) is IncludeNode and _is_constant(node.template):
            cast("Any", node).template = _Included(node)
        if type(node) is URLNode and node.asvar and _is_plain(node):
            node.render(nothing)
            node = _Named(node.asvar, nothing[node.asvar])
        text = _text_of(node, nothing)
        if text is None:
            folded.append(node)
        elif folded and type(folded[-1]) is TextNode:
            folded[-1] = TextNode(folded[-1].s + text)
        elif text:
            folded.append(TextNode(text))
    nodes[:] = folded


def _below(node: Node) -> list[NodeList]:
    if isinstance(node, LanguageNode):
        # Speaks another language than the one that is active now.
        return []
    if isinstance(node, IfNode):
        return [below for _, below in node.conditions_nodelists]
    found = [getattr(node, name, None) for name in node.child_nodelists]
    return [below for below in found if isinstance(below, NodeList)]


def _text_of(node: Node, nothing: Context) -> str | None:
    """What the node gives each time; None where that depends on the page."""
    if type(node) is TextNode:
        return node.s
    if isinstance(node, LoadNode | CommentNode):
        return ""
    if type(node) is URLNode:
        return _address_of(node, nothing)
    return str(node.render(nothing)) if _is_same_each_time(node) else None


def _address_of(node: Any, nothing: Context) -> str | None:
    if node.asvar or not _is_plain(node):
        return None
    try:
        return str(node.render(nothing))
    except NoReverseMatch:
        # The page may never come to it: some addresses are those of workspaces only.
        return None


def _is_plain(node: Any) -> bool:
    """Whether the address is always the same; one of the admin's may depend on the site that is asked."""
    return not (node.args or node.kwargs or ":" in str(node.view_name.var)) and _is_constant(node.view_name)


def _is_same_each_time(node: Any) -> bool:
    if type(node) is TranslateNode:
        return node.asvar is None and _is_constant(node.filter_expression) and _is_constant(node.message_context)
    if type(node) is BlockTranslateNode:
        words = [*node.singular, *(node.plural or [])]
        is_plain = all(token.token_type == TokenType.TEXT for token in words)
        return is_plain and not (node.extra_context or node.countervar or node.asvar or node.message_context)
    if type(node) is StaticNode:
        return node.varname is None and _is_constant(node.path)
    if type(node) is SimpleNode:
        given = [*node.args, *node.kwargs.values()]
        is_ours = node.func.__module__ == "tikdash.templatetags.ui" and node.func.__name__ in SAME_EACH_TIME
        return is_ours and node.target_var is None and all(map(_is_constant, given))
    return False


def _is_constant(expression: FilterExpression | None) -> bool:
    if expression is None:
        return True
    if expression.filters:
        return False
    return isinstance(expression.var, str) or getattr(expression.var, "literal", None) is not None
