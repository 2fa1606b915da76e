import pytest

from sceneseg.errors import ConfigError, UnknownNameError
from sceneseg.models import models


@pytest.mark.parametrize("spelling", ["fast_scnn", "FastSCNN", "fast-scnn", "fastscnn", "Fast SCNN"])
def test_spellings(spelling):
    assert models.resolve(spelling) == "fast_scnn"


def test_typo_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match='no model called "fast_scn".*Did you mean "fast_scnn"'):
        models.create("fast_scn", num_classes=2)


def test_unknown_argument_gets_a_suggestion():
    with pytest.raises(ConfigError, match='no argument "widht".*Did you mean "width"'):
        models.create("fast_scnn", num_classes=2, widht=1)


def test_missing_argument():
    with pytest.raises(ConfigError, match="needs a value for num_classes"):
        models.create("fast_scnn")
