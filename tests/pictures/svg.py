"""Draws what a terminal shows as SVG: a still picture, or an animation of many screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

CELL_WIDTH = 8.4
CELL_HEIGHT = 18
FONT_SIZE = 14
BASELINE = 13.5
MARGIN = 10
BACKGROUND = "#14181d"
FOREGROUND = "#dfe3e8"


@dataclass(frozen=True, slots=True)
class Look:
    """The colours (``#rrggbb``) and the style of a run of cells."""

    fore: str = FOREGROUND
    back: str = BACKGROUND
    bold: bool = False
    italic: bool = False
    underline: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring cells of one look, from a column on; ``width`` is counted in cells."""

    column: int
    width: int
    text: str
    look: Look


Row = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What a terminal of some size shows at one moment."""

    columns: int
    rows: tuple[Row, ...]

    @property
    def text(self) -> str:
        """The screen as plain lines."""
        return "\n".join("".join(run.text for run in row).rstrip() for row in self.rows)


class _Sheet:
    """The looks of a drawing as short CSS classes."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, bool, bool, bool], str] = {}

    def name(self, look: Look) -> str:
        key = (look.fore, look.bold, look.italic, look.underline)
        return self.names.setdefault(key, f"s{len(self.names)}")

    def css(self) -> str:
        rules = []
        for (fore, bold, italic, underline), name in self.names.items():
            rule = f".{name}{{fill:{fore}"
            rule += ";font-weight:bold" if bold else ""
            rule += ";font-style:italic" if italic else ""
            rule += ";text-decoration:underline" if underline else ""
            rules.append(rule + "}")
        return "".join(rules)


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _row(row: Row, sheet: _Sheet) -> str:
    """A row with its top at 0: backgrounds first, then the glyphs."""
    parts = []
    for run in row:
        if run.look.back != BACKGROUND:
            x, width = _number(run.column * CELL_WIDTH), _number(run.width * CELL_WIDTH + 0.2)
            parts.append(f'<rect x="{x}" width="{width}" height="{CELL_HEIGHT}" fill="{run.look.back}"/>')
    for run in row:
        if not run.text.strip() and not run.look.underline:
            continue
        kept = run.text if run.look.underline else run.text.strip(" ")
        before = len(run.text) - len(run.text.lstrip(" ")) if not run.look.underline else 0
        x = _number((run.column + before) * CELL_WIDTH)
        length = _number((run.width - (len(run.text) - len(kept))) * CELL_WIDTH)
        spaced = escape(kept).replace("  ", "\u00a0\u00a0").replace("\u00a0 ", "\u00a0\u00a0")
        style = sheet.name(run.look)
        parts.append(f'<text x="{x}" y="{BASELINE}" textLength="{length}" class="{style}">{spaced}</text>')
    return "".join(parts)


def _document(columns: int, rows: int, css: str, body: str, title: str) -> str:
    width, height = columns * CELL_WIDTH + 2 * MARGIN, rows * CELL_HEIGHT + 2 * MARGIN
    font = f"text{{font:{FONT_SIZE}px 'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{_number(width)}" height="{height}" viewBox="0 0 {_number(width)} {height}">'
        f"<title>{escape(title)}</title><style>{font}{css}</style>"
        f'<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>{body}</svg>\n'
    )


def still(picture: Picture, title: str) -> str:
    """One screen as an SVG document."""
    sheet = _Sheet()
    rows = [
        f'<g transform="translate({MARGIN} {MARGIN + number * CELL_HEIGHT})">{drawn}</g>\n'
        for number, row in enumerate(picture.rows)
        if (drawn := _row(row, sheet))
    ]
    return _document(picture.columns, len(picture.rows), sheet.css(), "\n" + "".join(rows), title)


def animation(pictures: Sequence[tuple[float, Picture]], title: str) -> str:
    """Screens, each shown for its seconds, as one SVG document that plays by itself and begins again.

    A row that is seen more than once is drawn once and used again (SVG 1.1, ``use``); CSS shows one screen
    at a time (``steps``), so the file plays where scripts do not, as in an image element.
    """
    sheet = _Sheet()
    known: dict[Row, str] = {}
    definitions: list[str] = []
    frames: list[str] = []
    total = sum(seconds for seconds, _ in pictures)
    rules: list[str] = []
    begun = 0.0
    for number, (seconds, picture) in enumerate(pictures):
        uses = []
        for y, row in enumerate(picture.rows):
            if row not in known:
                drawn = _row(row, sheet)
                known[row] = f"r{len(known)}" if drawn else ""
                if drawn:
                    definitions.append(f'<g id="{known[row]}">{drawn}</g>')
            if known[row]:
                uses.append(f'<use xlink:href="#{known[row]}" y="{y * CELL_HEIGHT}"/>')
        frames.append(f'<g class="f" style="animation-name:k{number}">{"".join(uses)}</g>')
        start, end = 100 * begun / total, 100 * (begun + seconds) / total
        rules.append(_keyframes(number, start, end))
        begun += seconds
    css = f".f{{visibility:hidden;animation:{_number(total)}s step-end infinite}}{''.join(rules)}{sheet.css()}"
    body = f'<defs>{"".join(definitions)}</defs><g transform="translate({MARGIN} {MARGIN})">{"".join(frames)}</g>'
    first = pictures[0][1]
    return _document(first.columns, len(first.rows), css, body, title)


def _keyframes(number: int, start: float, end: float) -> str:
    points = [] if start == 0 else ["0%{visibility:hidden}"]
    points.append(f"{start:.3f}%{{visibility:visible}}")
    points.append(f"{min(end, 100):.3f}%{{visibility:hidden}}")
    return f"@keyframes k{number}{{{''.join(points)}}}"
