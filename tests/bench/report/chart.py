"""A line chart as SVG: a few dozen lines instead of a plotting library."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 760, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 270, 40, 45  # names stand on the right
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e")


def line_chart(
    title: str, x_label: str, y_label: str, x: Sequence[int], curves: Mapping[str, Sequence[float]]
) -> str:
    """Draw curves over x, whose values stand at even distances (1, 2, 4, 8, ...); y begins at 0."""
    highest = max(max(values) for values in curves.values()) * 1.1
    plot_width, plot_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def place(index: int, value: float) -> tuple[float, float]:
        across = _LEFT + plot_width * index / (len(x) - 1)
        return across, _TOP + plot_height * (1 - value / highest)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, title, size=14),
        _text(_LEFT + plot_width / 2, _HEIGHT - 8, x_label, anchor="middle"),
        _text(_LEFT, _TOP - 6, y_label),
    ]
    for step in range(6):
        value = highest * step / 5
        _, down = place(0, value)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + plot_width}" y1="{down:.1f}" y2="{down:.1f}" stroke="#ddd"/>'
        )
        parts.append(_text(_LEFT - 6, down + 4, f"{value:.0f}", anchor="end"))
    for index, value in enumerate(x):
        across, down = place(index, 0)
        parts.append(_text(across, down + 18, str(value), anchor="middle"))
    for number, (name, values) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [place(index, value) for index, value in enumerate(values)]
        line = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{d:.1f}" r="3" fill="{colour}"/>' for a, d in points]
        parts.append(_text(_LEFT + plot_width + 12, _TOP + 14 + 18 * number, name, colour=colour))
    return "\n".join([*parts, "</svg>\n"])


def _text(
    across: float, down: float, text: str, *, size: int = 12, anchor: str = "start", colour: str = "#222"
) -> str:
    return (
        f'<text x="{across:.1f}" y="{down:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )
