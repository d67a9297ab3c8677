"""A lineage as a picture: DOT for those who have Graphviz, SVG for everyone."""

from html import escape
from pathlib import Path

import networkx

from flows.audit.lineage import Lineage, Thing
from tasks.files.errors import InputError
from tasks.files.whole import write_bytes

WIDTH, GAP, LINE, MARGIN = 640, 60, 18, 40


def write_picture(lineage: Lineage, path: Path) -> None:
    """Write a picture of the kind that the file's name says. Raises InputError for another kind."""
    kinds = {".dot": draw_dot, ".svg": draw_svg}
    if path.suffix not in kinds:
        raise InputError(f"{path.name} is no picture that can be drawn: name it FILE.svg or FILE.dot")
    write_bytes(kinds[path.suffix](lineage).encode(), path)


def draw_dot(lineage: Lineage) -> str:
    """Return the lineage in Graphviz's language; arrows lead to what a thing came from."""
    boxes = [f'  {thing.key} [shape=box, label="{_quoted(thing)}"];' for thing in lineage.things]
    arrows = [f"  {thing.key} -> {source};" for thing in lineage.things for source in thing.came_from]
    return "\n".join(["digraph lineage {", *boxes, *arrows, "}", ""])


def _quoted(thing: Thing) -> str:
    return "\\n".join((thing.title, *thing.says)).replace('"', '\\"')


def draw_svg(lineage: Lineage) -> str:
    """Return the lineage as SVG, newest on top; arrows lead to what a thing came from."""
    graph = networkx.DiGraph([(thing.key, source) for thing in lineage.things for source in thing.came_from])
    by_key = {thing.key: thing for thing in lineage.things}
    places: dict[str, tuple[int, int, int]] = {}
    layers = [
        # what has a past of its own comes first, so that the way down is a straight one
        sorted(layer, key=lambda key: not by_key[key].came_from)
        for layer in networkx.topological_generations(graph)
    ]
    top = MARGIN
    for layer in layers:
        heights = [LINE * (len(by_key[key].says) + 2) for key in layer]
        for column, (key, height) in enumerate(zip(layer, heights, strict=True)):
            places[key] = (MARGIN + column * (WIDTH + GAP), top, height)
        top += max(heights) + GAP
    right = max(left for left, _, _ in places.values()) + WIDTH + MARGIN
    depth = {key: number for number, layer in enumerate(layers) for key in layer}
    arrows = [
        (_arrow if depth[source] - depth[key] == 1 else _way_round)(places[key], places[source])
        for key, source in graph.edges
    ]
    boxes = [_box(by_key[key], *place) for key, place in places.items()]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {top}" width="{right}" '
            f'height="{top}" font-family="sans-serif" font-size="12">',
            '<defs><marker id="end" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
            '<path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker></defs>',
            *arrows,
            *boxes,
            "</svg>",
            "",
        ]
    )


def _box(thing: Thing, left: int, top: int, height: int) -> str:
    lines = [
        f'<text x="{left + 12}" y="{top + LINE * (row + 2) + 4}" font-family="monospace">'
        f"{escape(text)}</text>"
        for row, text in enumerate(thing.says)
    ]
    return (
        f'<g><rect x="{left}" y="{top}" width="{WIDTH}" height="{height}" rx="6" fill="#fff" stroke="#555"/>'
        f'<text x="{left + 12}" y="{top + LINE + 2}" font-weight="bold">{escape(thing.title)}</text>'
        f"{''.join(lines)}</g>"
    )


def _arrow(start: tuple[int, int, int], end: tuple[int, int, int]) -> str:
    x1, y1 = start[0] + WIDTH // 2, start[1] + start[2]
    x2, y2 = end[0] + WIDTH // 2, end[1]
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#555" marker-end="url(#end)"/>'


def _way_round(start: tuple[int, int, int], end: tuple[int, int, int]) -> str:
    """Return an arrow that passes the boxes between on their left."""
    y1, y2 = (top + height // 2 for _, top, height in (start, end))
    return (
        f'<path d="M{start[0]},{y1} H{MARGIN // 2} V{y2} H{end[0]}" fill="none" stroke="#555" '
        'marker-end="url(#end)"/>'
    )
