"""The diagram of a model."""

import re

from sceneseg.models.cost import model_cost
from sceneseg.report.svg.diagram import CHARACTER, GAP_X, draw_model


def test_the_title_fits_even_where_the_boxes_are_few():
    for name in ("fast_scnn", "separable_unet", "segformer"):
        svg = draw_model(model_cost(name, 19, (1024, 2048)))
        width = int(re.search(r'width="(\d+)"', svg)[1])
        title = re.search(r'<text class="name" x="26" y="24">([^<]*)</text>', svg)[1]
        assert len(title) * CHARACTER + GAP_X <= width
