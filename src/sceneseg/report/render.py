"""From a template to one offline file: style and script inside, everything else escaped."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sceneseg.report.formatting import label, milliseconds, percent, words

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, view: dict[str, Any], own: str = "") -> str:
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
    return _environment().get_template(template).render(view | parts)


def render_text(template: str, view: dict[str, Any]) -> str:
    """Fill a template of plain text, Markdown for example; nothing is escaped."""
    return _environment(autoescape=False).get_template(template).render(view)


@cache
def _environment(autoescape: bool = True) -> Environment:
    environment = Environment(
        loader=PackageLoader("sceneseg.report"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "words": words, "label": label, "milliseconds": milliseconds}
    return environment
