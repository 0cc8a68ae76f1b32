"""Themes (dark, high contrast, 16 colours), and the style sheets, which are loaded in two parts."""

from __future__ import annotations

from pathlib import Path

from textual.css.stylesheet import Stylesheet
from textual.theme import Theme

FIRST = ("app/main_screen", "app/start", "widgets/key_bar", "widgets/title_bar")
_HERE = Path(__file__).parent.parent

DARK = Theme(
    name="mailwiz-dark",
    primary="#5b9bd5",
    secondary="#8fb8de",
    accent="#e0b050",
    warning="#e5a545",
    error="#ef6b73",
    success="#7cc47f",
    foreground="#dfe3e8",
    background="#14181d",
    surface="#1a2027",
    panel="#242c35",
    dark=True,
    variables={
        "text-dim": "#9aa5b1",
        "field": "#26303a",
        "field-focus": "#31404f",
        "block-cursor-background": "#31404f",
        "block-cursor-foreground": "#ffffff",
    },
)

CONTRAST = Theme(
    name="mailwiz-contrast",
    primary="#00ffff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff8080",
    success="#80ff80",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
    dark=True,
    variables={
        "text-dim": "#e0e0e0",
        "field": "#303030",
        "field-focus": "#000080",
        "block-cursor-background": "#000080",
        "block-cursor-foreground": "#ffffff",
    },
)

SIXTEEN = Theme(
    name="mailwiz-16",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_yellow",
    warning="ansi_yellow",
    error="ansi_bright_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border": "ansi_white",
        "border-blurred": "ansi_white",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "block-cursor-text-style": "bold",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-cursor-text-style": "none",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_white",
        "screen-selection-background": "ansi_bright_blue",
        "screen-selection-foreground": "ansi_white",
        "text-dim": "ansi_default",
        "field": "ansi_default",
        "field-focus": "ansi_default",
    },
)

THEMES = (DARK, CONTRAST, SIXTEEN)


def first_styles() -> str:
    """The style sheets of the opening screen: parsing all would take as long as painting it."""
    return "\n".join((_HERE / f"{name}.tcss").read_text(encoding="utf-8") for name in FIRST)


def add_further_styles(stylesheet: Stylesheet) -> None:
    """Add all other style sheets as one source; the second call does nothing.

    Textual caches 64 parsed sources and parses the others again, so there must not be one source for each file.
    """
    location = (str(_HERE), "further")
    if stylesheet.has_source(*location):
        return
    first = {_HERE / f"{name}.tcss" for name in FIRST}
    paths = sorted(path for path in _HERE.rglob("*.tcss") if path not in first)
    stylesheet.add_source("\n".join(path.read_text(encoding="utf-8") for path in paths), read_from=location)
