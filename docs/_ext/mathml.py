"""Equations as MathML, which browsers draw themselves: pages need no script and no network."""

from __future__ import annotations

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def inline(translator, node):
    """An equation in a line of text."""
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def block(translator, node):
    """An equation on lines of its own; an empty line separates equations."""
    for part in node.astext().split("\n\n"):
        if part.strip():
            translator.body.append(f'<div class="math">{tex2mathml(part, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "version": "1"}
