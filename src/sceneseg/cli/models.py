"""`sceneseg models`: every architecture and its cost."""

import json as writer
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.config import panels


def models(*, json: Annotated[bool, Parameter(group=panels.OUTPUT)] = False) -> None:
    """List all architectures with parameters and operations (19 classes, 1024 x 2048), counted anew.

    Example: sceneseg models --json

    Args:
        json: Print a JSON list of name, parameters, parameters_training, gmacs, output_stride, source.
    """
    from sceneseg.api.models import list_models

    listed = list_models()
    if json:
        print(writer.dumps([asdict(model) for model in listed], indent=2))
    else:
        terminal().print(tables.models(listed))
