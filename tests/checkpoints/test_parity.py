"""Imported checkpoints give the logits that their authors' own code gives.

For each fixture the authors' file is made again, imported by recognition alone, and the network's logits are compared
at the sampled places; `parity.py` says how fixtures come about.
"""

import pytest
import torch
from parity import fixtures, made_image, places, read_fixture, write_foreign_file

from sceneseg import models
from sceneseg.checkpoints.conversion import convert
from sceneseg.publishing.foreign import label_space_of, shapes_of

CASES = [
    pytest.param(file, id=file.stem, marks=[pytest.mark.slow] if read_fixture(file).facts.slow else [])
    for file in fixtures()
]


@pytest.mark.parametrize("file", CASES)
def test_gives_the_logits_of_the_authors_code(file, tmp_path):
    fixture = read_fixture(file)
    facts = fixture.facts
    found = convert(write_foreign_file(fixture, tmp_path), shapes_of)
    assert found.name == facts.origin
    assert {key: found.arguments.get(key) for key in facts.arguments} == facts.arguments
    assert len(label_space_of(found)) in (found.arguments["num_classes"], found.arguments["num_classes"] - 1)
    network = models.create(found.origin.model, **found.arguments)
    network.load_state_dict(found.state)
    with torch.inference_mode():
        logits = network.eval()(made_image(*facts.size))[0]
    rows, columns = places(facts.size, logits.shape[0])
    difference = (logits[:, rows, columns] - torch.from_numpy(fixture.logits)).abs().max() / fixture.largest
    assert difference <= facts.tolerance, f"{difference:.2g}"
    assert facts.tolerance == 1e-5 or facts.cause
