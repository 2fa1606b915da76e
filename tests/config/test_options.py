"""Each key of the schema has an option, with the schema's description and default."""

from dataclasses import fields, is_dataclass
from typing import get_type_hints

import pytest

from sceneseg.config.conversion import to_dict
from sceneseg.config.layering import flat
from sceneseg.config.options import PANELS, PARAMETERS, UNTYPED, Options
from sceneseg.config.schema import Config

SECTIONS = [one.name for one in fields(Config) if is_dataclass(getattr(Config(), one.name))]


def test_every_name_belongs_to_a_key_of_the_schema():
    assert PARAMETERS.keys() <= {*flat(to_dict(Config())), *SECTIONS}


@pytest.mark.parametrize("section", ["", *SECTIONS])
def test_options_have_the_keys_of_the_schema_and_no_values(section):
    schema, options = (getattr(made, section) if section else made for made in (Config(), Options()))
    assert [one.name for one in fields(options)] == [one.name for one in fields(schema)]
    assert {getattr(options, one.name) for one in fields(options) if one.name not in SECTIONS} == {UNTYPED}


def test_descriptions_and_defaults_are_those_of_the_schema():
    _, _, shown, panel = get_type_hints(type(Options().train), include_extras=True)["epochs"].__metadata__
    assert (shown.help, shown.show_default) == ("Passes over the training split.", "100")
    assert [group.name for group in panel.group] == ["Optimization"]


def test_every_section_has_a_panel():
    assert {key.partition(".")[0] for key in PANELS} == {one.name for one in fields(Config)}
    assert PANELS.keys() <= {*flat(to_dict(Config())), *SECTIONS, "model", "loss", "aux_loss"}
