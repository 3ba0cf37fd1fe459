"""Equations as MathML, which browsers draw themselves: pages need no script and no network."""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOG = logging.getLogger(__name__)
SYNONYMS = {
    r"\dots": r"\ldots",
    r"\iff": r"\Leftrightarrow",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
}
SYNONYMS |= dict.fromkeys((r"\big", r"\Big", r"\bigg", r"\Bigg", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr"), "")
SPELLED = re.compile("|".join(re.escape(name) + r"(?![A-Za-z])" for name in SYNONYMS))


def mathml(text, node, as_block=False):
    """An equation, or a build warning and its source where it cannot be drawn."""
    plain = SPELLED.sub(lambda m: SYNONYMS[m[0]], text)
    try:
        return tex2mathml(plain, as_block=as_block)
    except MathError as error:
        LOG.warning("cannot draw %r: %s", text, error, location=node)
        return f"<code>{escape(text)}</code>"


def inline(translator, node):
    """An equation in a line of text."""
    translator.body.append(mathml(node.astext(), node))
    raise nodes.SkipNode


def block(translator, node):
    """An equation on lines of its own; an empty line separates equations."""
    for part in node.astext().split("\n\n"):
        if part.strip():
            translator.body.append(f'<div class="math">{mathml(part, node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "version": "1"}
