"""Diagram of a model: its parts as boxes, what feeds what, where the parameters and the operations are."""

from collections.abc import Sequence

from markupsafe import escape

from sceneseg.records.model_cost import ModelCost, PartCost

WIDTH, HEIGHT = 214, 64
GAP_X, GAP_Y = 26, 44
IMAGE = "image"
"""The box that the network's input is in."""
CHARACTER = 8  # pixels of the bold title, the widest of the fonts
STYLE = (
    "text{font:13px 'Segoe UI',Roboto,Helvetica,Arial,sans-serif;fill:#1c2430}"
    ".name{font-weight:600}.small{font-size:11px;fill:#5a6675}"
    ".box{fill:#fff;stroke:#c3ccd6}.work{fill:#2f6fed;opacity:.8}.flow{fill:none;stroke:#8a97a6;stroke-width:1.4}"
)


def draw_model(cost: ModelCost) -> str:
    """Draw the parts of a model from top to bottom.

    Args:
        cost: What `sceneseg.models.cost.model_cost` returned; its parts say what feeds them.

    Returns:
        An SVG document. The bar in a box is the part's share of all operations.
    """
    (height, width), gmacs = cost.size or (0, 0), cost.gmacs or 0.0
    parts = [PartCost(IMAGE, 0, 0.0, (3, height, width), ()), *cost.parts]
    title = (
        f"{escape(cost.name or '')}: {(cost.parameters or 0) / 1e6:.2f} M parameters, {gmacs:.1f} GMACs "
        f"at {height} × {width}"
    )
    rows = _rows(parts)
    widest = max(len(row) for row in rows)
    width = max(widest * (WIDTH + GAP_X) + GAP_X, round(len(title) * CHARACTER) + 2 * GAP_X)
    height = len(rows) * (HEIGHT + GAP_Y) + GAP_Y
    places = {
        part.name: (
            (width - len(row) * (WIDTH + GAP_X) + GAP_X) / 2 + x * (WIDTH + GAP_X),
            40 + y * (HEIGHT + GAP_Y),
        )
        for y, row in enumerate(rows)
        for x, part in enumerate(row)
    }
    flows = [_flow(places[source], places[part.name]) for part in parts for source in part.inputs]
    boxes = [_box(part, places[part.name], gmacs) for part in parts]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#f6f8fa"/>'
        f'<text class="name" x="{GAP_X}" y="24">{title}</text>{"".join(flows)}{"".join(boxes)}</svg>\n'
    )


def _rows(parts: Sequence[PartCost]) -> list[list[PartCost]]:
    """Sort parts by their longest way from the image."""
    depth: dict[str, int] = {}
    for part in parts:  # they come in the order of the forward pass
        depth[part.name] = 1 + max((depth[source] for source in part.inputs), default=-1)
    rows: list[list[PartCost]] = [[] for _ in range(max(depth.values()) + 1)]
    for part in {part.name: part for part in parts}.values():
        rows[depth[part.name]].append(part)
    return [row for row in rows if row]


def _flow(source: tuple[float, float], target: tuple[float, float]) -> str:
    x0, y0 = source[0] + WIDTH / 2, source[1] + HEIGHT
    x1, y1 = target[0] + WIDTH / 2, target[1]
    if y1 - y0 > GAP_Y + 1 and abs(x0 - x1) < 1:  # skips a row: goes round the boxes between
        side = x0 + (WIDTH + GAP_X) / 2
        return f'<path class="flow" d="M{x0} {y0}L{side} {y0 + 30}V{y1 - 30}L{x1} {y1}"/>'
    middle = (y0 + y1) / 2
    return f'<path class="flow" d="M{x0} {y0}C{x0} {middle},{x1} {middle},{x1} {y1}"/>'


def _box(part: PartCost, place: tuple[float, float], gmacs: float) -> str:
    x, y = place
    shape = " × ".join(str(n) for n in part.output)
    detail, bar = "", ""
    if part.name != IMAGE:
        detail = f"{_count(part.parameters)} parameters · {part.gmacs:.1f} GMACs"
        share = part.gmacs / max(gmacs, 1e-9)
        bar = f'<rect class="work" x="{x}" y="{y + HEIGHT - 4}" width="{WIDTH * share:.1f}" height="4"/>'
    return (
        f'<rect class="box" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>{bar}'
        f'<text class="name" x="{x + 10}" y="{y + 20}">{escape(part.name)}</text>'
        f'<text class="small" x="{x + 10}" y="{y + 36}">{shape}</text>'
        f'<text class="small" x="{x + 10}" y="{y + 51}">{detail}</text>'
    )


def _count(number: int) -> str:
    return f"{number / 1e6:.2f} M" if number >= 1e6 else f"{number / 1e3:.1f} k" if number >= 1e3 else str(number)
