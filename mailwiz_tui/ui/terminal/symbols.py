"""States as a symbol and a word, readable without colour; with ASCII symbols for plain consoles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.deploy.events import ServerPhase, StepPhase
from mailwiz_tui.verify.result import CheckState


class Tone(StrEnum):
    """The meaning of a state for the operator; the theme adds a colour to symbol and word."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    BUSY = "busy"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Mark:
    """The symbol, word and tone of a state."""

    symbol: str
    ascii_symbol: str
    word: str
    tone: Tone

    def text(self, *, plain: bool = False) -> str:
        """Symbol and word, as in ``✓ done``."""
        return f"{self.ascii_symbol if plain else self.symbol} {self.word}"

    def sign(self, *, plain: bool = False) -> str:
        """Only the symbol."""
        return self.ascii_symbol if plain else self.symbol


STEP_MARKS: dict[str, Mark] = {
    "done": Mark("✓", "*", "done", Tone.GOOD),
    "errors": Mark("✗", "x", "has errors", Tone.BAD),
    "review": Mark("!", "!", "needs review", Tone.WARN),
    "empty": Mark("○", "o", "not yet", Tone.IDLE),
    "here": Mark("▸", ">", "here", Tone.BUSY),
}

SERVER_MARKS: dict[ServerPhase, Mark] = {
    ServerPhase.WAITING: Mark("○", "o", "waiting", Tone.IDLE),
    ServerPhase.CONNECTING: Mark("◌", "~", "connecting", Tone.BUSY),
    ServerPhase.PREPARING: Mark("◌", "~", "preparing", Tone.BUSY),
    ServerPhase.INSTALLING: Mark("▸", ">", "installing", Tone.BUSY),
    ServerPhase.ATTACHED: Mark("▸", ">", "attached", Tone.BUSY),
    ServerPhase.RECONNECTING: Mark("◌", "~", "reconnecting", Tone.WARN),
    ServerPhase.VERIFYING: Mark("▸", ">", "verifying", Tone.BUSY),
    ServerPhase.DONE: Mark("✓", "*", "installed", Tone.GOOD),
    ServerPhase.UNCHANGED: Mark("✓", "*", "no changes", Tone.GOOD),
    ServerPhase.FAILED: Mark("✗", "x", "failed", Tone.BAD),
    ServerPhase.LOST: Mark("?", "?", "lost", Tone.WARN),
}

INSTALL_STEP_MARKS: dict[StepPhase, Mark] = {
    StepPhase.PENDING: Mark("○", "o", "pending", Tone.IDLE),
    StepPhase.RUNNING: Mark("▸", ">", "running", Tone.BUSY),
    StepPhase.OK: Mark("✓", "*", "unchanged", Tone.GOOD),
    StepPhase.CHANGED: Mark("✓", "*", "changed", Tone.GOOD),
    StepPhase.FAILED: Mark("✗", "x", "failed", Tone.BAD),
    StepPhase.SKIPPED: Mark("!", "!", "skipped", Tone.WARN),
    StepPhase.NOT_REACHED: Mark("-", "-", "not reached", Tone.IDLE),
    StepPhase.INTERRUPTED: Mark("!", "!", "interrupted", Tone.WARN),
}

CHECK_MARKS: dict[CheckState, Mark] = {
    CheckState.PASSED: Mark("✓", "*", "passed", Tone.GOOD),
    CheckState.WARNING: Mark("!", "!", "warning", Tone.WARN),
    CheckState.FAILED: Mark("✗", "x", "failed", Tone.BAD),
    CheckState.NOT_RUN: Mark("-", "-", "not run", Tone.IDLE),
}

PROBE_MARKS: dict[str, Mark] = {
    "unknown": Mark("○", "o", "not checked", Tone.IDLE),
    "checking": Mark("◌", "~", "checking", Tone.BUSY),
    "ok": Mark("✓", "*", "reachable", Tone.GOOD),
    "unfit": Mark("!", "!", "unsuitable", Tone.WARN),
    "failed": Mark("✗", "x", "unreachable", Tone.BAD),
    "unknown-key": Mark("!", "!", "host key unknown", Tone.WARN),
    "changed-key": Mark("✗", "x", "host key changed", Tone.BAD),
    "refused": Mark("✗", "x", "login refused", Tone.BAD),
}


def elapsed_text(seconds: float) -> str:
    """A duration as ``04:12`` or ``1:04:12``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes:02}:{secs:02}"


def age_text(seconds: float) -> str:
    """The time since an event, as ``3 s ago`` or ``2 min ago``."""
    whole = max(0, int(seconds))
    return f"{whole} s ago" if whole < 120 else f"{whole // 60} min ago"


def range_text(low: float, high: float) -> str:
    """The time left as a range: ``about 2–4 min``, ``less than a minute``."""
    if high < 60:
        return "less than a minute"
    first, last = max(1, round(low / 60)), max(1, round(high / 60 + 0.2))
    return f"about {first}–{last} min" if first < last else f"about {last} min"


def size_text(size: int) -> str:
    """Bytes as ``3.7 GiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
