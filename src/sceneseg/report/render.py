"""Rendering of a template to one offline file: style and script inside, everything else escaped."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sceneseg.report.formatting import label, milliseconds, percent, words

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, view: Mapping[str, object], own: str = "") -> str:
    """Fill a template, which finds `style`, `script` and `security_policy` beside what is in `view`.

    The policy lets the browser load nothing from outside and run no script but the page's own, so that not even a
    name that slipped through the escaping could do harm.

    Args:
        template: A file among the templates.
        view: What it prints; strings are escaped, `Markup` isn't.
        own: Name of the style and script that this page has behind those of all pages.
    """
    script, style = (
        "".join((TEMPLATES / f"{name}.{kind}").read_text(encoding="utf-8") for name in ("page", own) if name)
        for kind in ("js", "css")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    parts = {"script": Markup(script), "style": Markup(style), "security_policy": policy}
    return _environment().get_template(template).render({**view, **parts})


def render_markdown(template: str, view: Mapping[str, object]) -> str:
    """Fill a template of Markdown; strings are escaped, `Markup` isn't.

    A name from a file then can't break a table, begin a heading or bring HTML along.
    """
    return _environment(markdown=True).get_template(template).render(view)


def escape_markdown(value: Any) -> Any:
    """Escape a string for Markdown (CommonMark with tables), in a line of its own or within one.

    >>> escape_markdown("road | <b>#1</b>")
    'road \\\\| \\\\<b>#1\\\\</b>'
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    line = re.sub(r"[\\`*\[\]<|&]|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(value.split()))
    return re.sub(r"^([#>+-])", r"\\\1", line)


def code(text: str, language: str = "") -> Markup:
    """Return a text as it is, for a block of code whose fence is longer than any run of backticks in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Markup(f"{fence}{language}\n{text}\n{fence}")


@cache
def _environment(markdown: bool = False) -> Environment:
    environment = Environment(
        loader=PackageLoader("sceneseg.report"),
        autoescape=not markdown,
        finalize=escape_markdown if markdown else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "words": words, "label": label, "milliseconds": milliseconds}
    return environment
