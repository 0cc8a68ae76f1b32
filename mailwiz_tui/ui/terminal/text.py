"""Text for the screen: no control sequence from a server or a file may reach the terminal."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len, chop_cells, set_cell_size

from mailwiz_tui.deploy.sanitize import clean_line

MAX_LINE = 1000
TAB_WIDTH = 8


def safe_line(text: str) -> str:
    """One printable line by the rules of ``agent/protocol/clean.py``, with tabs expanded, cut at ``MAX_LINE``.

    Output of servers is cleaned before it is stored; this is the second check, also for text from files and
    operators, because control sequences can control the terminal (ECMA-48, xterm's OSC 52).
    """
    if len(text) <= MAX_LINE and text.isprintable():
        return text
    return clean_line(text[: MAX_LINE * 8].replace("\n", " ").expandtabs(TAB_WIDTH), MAX_LINE)


def fit(text: str, width: int) -> str:
    """Text of exactly ``width`` columns; ``…`` marks a cut."""
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def wrap(text: str, width: int, first: str = "", further: str = "") -> list[str]:
    """Text wrapped at blanks into rows of ``width`` columns, the first indented by ``first``, others ``further``.

    A word that is wider than a row is broken. ``textwrap`` counts characters, some of which need two columns.
    """
    if cell_len(text) == len(text):
        return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=further, break_on_hyphens=False)
    rows, row, gap = list[str](), first, ""
    for word in text.split():
        if gap and cell_len(row) + 1 + cell_len(word) > width:
            rows.append(row)
            row, gap = further, ""
        *whole, rest = chop_cells(word, max(2, width - max(cell_len(row + gap), cell_len(further))))
        for part in whole:
            rows.append(row + gap + part)
            row, gap = further, ""
        row, gap = row + gap + rest, " "
    return [*rows, row]


def in_rows(text: str, width: int, rows: int) -> str:
    """A sentence in at most ``rows`` rows of ``width`` columns, the later ones indented; ``…`` marks a cut."""
    text = safe_line(text)
    if cell_len(text) == len(text):
        return "\n".join(textwrap.wrap(text, width, subsequent_indent="  ", max_lines=rows, placeholder=" …"))
    lines = wrap(text, width, further="  ")
    if len(lines) > rows:
        last = lines[rows - 1]
        while cell_len(last) > width - 2 and " " in last.strip():
            last = last.rpartition(" ")[0]
        lines = [*lines[: rows - 1], fit(f"{last} …", width).rstrip()]
    return "\n".join(lines)


def safe_block(text: str) -> str:
    """Several lines, each made safe."""
    return "\n".join(safe_line(line) for line in text.splitlines())
