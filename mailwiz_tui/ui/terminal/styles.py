"""The style sheets beside screens and widgets: those of the first screen at once, the others once it is painted."""

from __future__ import annotations

from pathlib import Path

from textual.css.stylesheet import Stylesheet

FIRST = ("app/main_screen", "app/start", "widgets/key_bar", "widgets/title_bar")
_HERE = Path(__file__).parent.parent


def first_styles() -> str:
    """What the opening screen needs: parsing everything takes as long as painting it."""
    return "\n".join((_HERE / f"{name}.tcss").read_text(encoding="utf-8") for name in FIRST)


def add_further_styles(stylesheet: Stylesheet) -> None:
    """Add every other sheet as one source; a second time it does nothing.

    Textual parses again what falls out of its cache of 64 sources, so there must not be one for each file.
    """
    location = (str(_HERE), "further")
    if stylesheet.has_source(*location):
        return
    first = {_HERE / f"{name}.tcss" for name in FIRST}
    paths = sorted(path for path in _HERE.rglob("*.tcss") if path not in first)
    stylesheet.add_source("\n".join(path.read_text(encoding="utf-8") for path in paths), read_from=location)
