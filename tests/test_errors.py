"""Warnings of libraries reach nobody on the command line; sceneseg's own do."""

import os
import subprocess
import sys

import pytest

GIVE = """
import warnings
from sceneseg.errors import hide_library_warnings
hide_library_warnings()
for module in ("torch.nn.modules.module", "timm.models", "lightning_fabric", "__main__", "sceneseg.training.trainer"):
    warnings.warn_explicit(f"from {module}.", UserWarning, "file.py", 1, module)
warnings.warn_explicit("odd (Triggered internally at x.cpp:3)", UserWarning, "file.py", 2, "sceneseg.losses")
"""


@pytest.mark.parametrize(("asked", "shown"), [(None, 1), ("default", 6)])
def test_only_our_own_warnings_are_shown(asked, shown):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
    environment |= {"PYTHONWARNINGS": asked} if asked else {}
    done = subprocess.run([sys.executable, "-c", GIVE], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.count("UserWarning") == shown
    assert "from sceneseg.training.trainer." in done.stderr
