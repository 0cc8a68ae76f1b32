"""Takes a picture of what Textual, or a decoded terminal, shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyte
from rich.cells import cell_len
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from textual._compositor import LayoutUpdate
from textual.app import App

from tests.pictures.svg import BACKGROUND, FOREGROUND, Look, Picture, Row, Run

BLOT = "•"
NAMED = {
    "black": "#000000",
    "red": "#cc5555",
    "green": "#7cc47f",
    "brown": "#e5a545",
    "blue": "#5b9bd5",
    "magenta": "#b58fd0",
    "cyan": "#6cc5c5",
    "white": "#dfe3e8",
}


def of_app(app: App[Any], secrets: Iterable[str] = ()) -> Picture:
    """The screen of a running application, dialogs over it included, with ``secrets`` blotted out."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    assert isinstance(update, LayoutUpdate)
    lines: list[list[Segment]] = [[segment for strip in chops for segment in strip] for chops in update.strips]
    rows = tuple(_blotted(_row_of(line), secrets) for line in lines)
    return Picture(app.size.width, rows)


def of_terminal(screen: pyte.Screen) -> Picture:
    """What a terminal shows."""
    rows = []
    for y in range(screen.lines):
        cells = [screen.buffer[y][x] for x in range(screen.columns)]
        rows.append(_merged((cell.data, 1, _look_of_cell(cell)) for cell in cells))
    return Picture(screen.columns, tuple(rows))


def _row_of(line: Sequence[Segment]) -> Row:
    return _merged(
        (segment.text, cell_len(segment.text), _look_of_style(segment.style or Style())) for segment in line
    )


def _merged(pieces: Iterable[tuple[str, int, Look]]) -> Row:
    row: list[Run] = []
    column = 0
    for text, width, look in pieces:
        if row and row[-1].look == look:
            last = row[-1]
            row[-1] = Run(last.column, last.width + width, last.text + text, look)
        elif width:
            row.append(Run(column, width, text, look))
        column += width
    if row and not row[-1].text.strip() and row[-1].look.back == BACKGROUND:
        row.pop()
    return tuple(row)


def _look_of_style(style: Style) -> Look:
    def named(color: Any, default: str, *, fore: bool) -> str:
        if color is None or color.type is ColorType.DEFAULT:
            return default
        return str(color.get_truecolor(DIMMED_MONOKAI, foreground=fore).hex)

    fore, back = named(style.color, FOREGROUND, fore=True), named(style.bgcolor, BACKGROUND, fore=False)
    if style.reverse:
        fore, back = back, fore
    return Look(fore, back, bool(style.bold), bool(style.italic), bool(style.underline))


def _look_of_cell(cell: Any) -> Look:
    fore, back = _hex(cell.fg, FOREGROUND), _hex(cell.bg, BACKGROUND)
    if cell.reverse:
        fore, back = back, fore
    return Look(fore, back, cell.bold, cell.italics, cell.underscore)


def _hex(name: str, default: str) -> str:
    """A colour of pyte: a name, six digits, or ``default``."""
    if name in NAMED:
        return NAMED[name]
    return f"#{name}" if len(name) == 6 and set(name) <= set("0123456789abcdef") else default


def _blotted(row: Row, secrets: Iterable[str]) -> Row:
    runs = []
    for run in row:
        text = run.text
        for secret in secrets:
            text = text.replace(secret, BLOT * len(secret))
        runs.append(Run(run.column, run.width, text, run.look))
    return tuple(runs)
