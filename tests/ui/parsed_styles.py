"""Style sheets are parsed once for all the applications of a test process."""

from __future__ import annotations

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

parse_anew = Stylesheet._parse_rules
"""What Textual does: each application parses some seventy sources, which takes a third of a short test's time."""
_parsed: dict[object, list[RuleSet]] = {}


def parse_once(
    sheet: Stylesheet,
    css: str,
    read_from: CSSLocation,
    is_default_rules: bool = False,
    tie_breaker: int = 0,
    scope: str = "",
) -> list[RuleSet]:
    """Return the rules of a source, which depend on nothing but these arguments and the theme's variables."""
    rest = (read_from, is_default_rules, tie_breaker, scope)
    key = (frozenset(sheet._variables.items()), css, *rest)
    if key not in _parsed:
        _parsed[key] = parse_anew(sheet, css, *rest)
    return _parsed[key]
