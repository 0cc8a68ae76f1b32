"""Records a whole installation by keys on a real terminal: ``python -m tests.pictures.recording``.

Needs root and a lab, as the lab tests do. Writes ``screenshots/installation.cast`` (asciinema's format, version 2)
and ``screenshots/installation.svg``, which plays by itself. The first password is blotted out of both.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyte

from tests.pictures.rehearsal import INVENTORY, PLAN, Rehearsal, mirror, rehearsal
from tests.pictures.screen import BLOT, of_terminal
from tests.pictures.svg import BACKGROUND, FOREGROUND, Look, Picture, animation
from tests.terminal.terminal_session import TerminalSession

FOLDER = Path(__file__).resolve().parents[2] / "screenshots"
ROOT = FOLDER.parent
SIZE = (80, 24)
F4, F5, F8, ENTER, RIGHT = "\x1bOS", "\x1b[15~", "\x1b[19~", "\r", "\x1b[C"
LONGEST_PAUSE = 2.0
FRAME_EVERY = 2.0
LEAST_FRAME = 0.4
LAST_FRAME = 4.0
FAST = 0.4
PASSWORD = re.compile(r"postmaster@\S+\s*│?\s*│?\s+([A-Za-z0-9+/_.-]{12,})")


@dataclass
class Recording:
    """What the terminal was sent, and when."""

    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=lambda: [mirror()])

    def blotted(self) -> list[tuple[float, bytes]]:
        """The chunks without secrets, with long pauses cut short."""
        found: list[tuple[float, bytes]] = []
        skipped, before = 0.0, 0.0
        for at, data in self.chunks:
            skipped += max(0.0, at - before - LONGEST_PAUSE)
            before = at
            for secret in self.secrets:
                data = data.replace(secret.encode(), BLOT.encode() * len(secret))
            found.append((at - skipped, data))
        return found


class Operator:
    """Types at a human pace and keeps what is shown."""

    def __init__(self, session: TerminalSession) -> None:
        self.session = session
        self.recording = Recording()
        self._begun = time.monotonic()
        session.on_output = self._keep

    def _keep(self, data: bytes) -> None:
        self.recording.chunks.append((time.monotonic() - self._begun, data))

    def until(self, text: str, seconds: float = 60.0) -> None:
        self.session.until(text, seconds)
        self.session.settle(0.3)

    def press(self, *keys: str, pause: float = 0.7) -> None:
        for key in keys:
            self.session.press(key)
            self.session.pump(pause)

    def type(self, text: str) -> None:
        self.press(*text, pause=0.07)


def installation(place: Rehearsal) -> Recording:
    """Begin with nothing, answer, install, see the passwords and the proof, and leave."""
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")},
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    command = [sys.executable, "-m", "mailwiz_tui", str(PLAN), "--inventory", str(INVENTORY)]
    session = TerminalSession(command, environ, SIZE)
    operator = Operator(session)
    try:
        _answer(operator, place)
        _install(operator)
    finally:
        session.close()
    return operator.recording


def _answer(operator: Operator, place: Rehearsal) -> None:
    operator.until("Begin")
    operator.press(ENTER)
    operator.until("1/8")
    operator.press(F8)
    operator.until("2/8")
    operator.type(place.host)
    operator.press(ENTER)
    if f"(*) {place.host} " not in operator.session.text():
        operator.press(" ")
    operator.press(F5)
    operator.until("reachable")
    operator.press(F8)
    operator.until("3/8")
    operator.type(place.domain)
    operator.press(ENTER)
    for number in range(4, 8):
        operator.press(F8)
        operator.until(f"{number}/8")
        if number == 4:
            operator.press(RIGHT)
            operator.press(RIGHT)
            operator.until("(•) Self-signed")
    operator.press(F5)
    end = time.monotonic() + 90
    while not _published(place) and time.monotonic() < end:
        operator.session.pump(1.0)
    operator.press(F8)
    operator.until("8/8")
    operator.press(F4)
    operator.until("ready to install")
    operator.session.pump(1.5)


def _published(place: Rehearsal) -> bool:
    """Publish the zone as soon as the servers have told their keys."""
    try:
        place.publish()
    except (OSError, ValueError):
        return False
    return True


def _install(operator: Operator) -> None:
    session = operator.session
    operator.press(F8)
    operator.until("Install on")
    operator.press(RIGHT, ENTER)
    operator.until("shows the results", 900)
    session.pump(2)
    session.press(ENTER)
    operator.until("postmaster@")
    found = PASSWORD.search(session.text())
    if found is None:
        sys.exit("no first password was shown; nothing was written")
    operator.recording.secrets.append(found.group(1))
    session.pump(2)
    operator.press(RIGHT, ENTER)
    operator.until("Do you have the passwords?")
    operator.press(RIGHT, ENTER)
    operator.until("Mail programs warn users about the certificate")
    session.pump(3)


def as_cast(pictures: Sequence[tuple[float, Picture]]) -> str:
    """The screens as an asciicast (version 2): a header, then what changes from each screen to the next."""
    header = {
        "version": 2,
        "width": SIZE[0],
        "height": SIZE[1],
        "env": {"TERM": "xterm-256color"},
        "title": "mailwiz-tui: a mail server, from nothing to proved",
    }
    lines = [json.dumps(header)]
    at, before = 0.0, Picture(SIZE[0], ())
    for seconds, picture in pictures:
        lines.append(json.dumps([round(at, 2), "o", changes(before, picture)], ensure_ascii=False))
        at, before = at + seconds, picture
    return "\n".join(lines) + "\n"


def changes(before: Picture, after: Picture) -> str:
    """What to send to a terminal (ECMA-48) that shows one picture so that it shows the next."""
    parts = [] if before.rows else ["\x1b[?25l\x1b[2J"]
    for y, row in enumerate(after.rows):
        if y < len(before.rows) and before.rows[y] == row:
            continue
        parts.append(f"\x1b[{y + 1};1H\x1b[0m\x1b[2K")
        parts += [f"\x1b[{run.column + 1}G{_style(run.look)}{run.text}" for run in row]
    return "".join(parts)


def _style(look: Look) -> str:
    codes = ["0"]
    codes += ["1"] if look.bold else []
    codes += ["3"] if look.italic else []
    codes += ["4"] if look.underline else []
    for kind, colour, usual in (("38", look.fore, FOREGROUND), ("48", look.back, BACKGROUND)):
        if colour != usual:
            codes.append(";".join([kind, "2", *(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))]))
    return f"\x1b[{';'.join(codes)}m"


def frames(recording: Recording) -> list[tuple[float, Picture]]:
    """Screens for the animation: after each key while answers are given, fewer while it installs."""
    screen = pyte.Screen(*SIZE)
    stream = pyte.ByteStream(screen)
    taken: list[tuple[float, Picture]] = []
    due = 0.0
    chunks = recording.blotted()
    for number, (at, data) in enumerate(chunks):
        stream.feed(data)
        last = number + 1 == len(chunks)
        following = at + LAST_FRAME if last else chunks[number + 1][0]
        if not last and (following - at < LEAST_FRAME / 2 or at < due):
            continue
        picture = of_terminal(screen)
        if picture.text.strip() and (not taken or taken[-1][1] != picture):
            taken.append((at, picture))
            due = at + (FRAME_EVERY if "log of" in picture.text else LEAST_FRAME)
    ends = [at for at, _ in taken[1:]] + [taken[-1][0] + LAST_FRAME]
    return [(end - at, picture) for (at, picture), end in zip(taken, ends, strict=True)]


def hurried(pictures: Sequence[tuple[float, Picture]]) -> list[tuple[float, Picture]]:
    """The same screens at the pace of a reader; the clock on them tells how long it really took."""
    return [
        (min(seconds, FAST if "log of" in picture.text else LONGEST_PAUSE), picture)
        for seconds, picture in pictures[:-1]
    ] + [(LAST_FRAME, pictures[-1][1])]


def main() -> None:
    """Read the options, install, and write both files."""
    parser = argparse.ArgumentParser(description="record an installation on a lab host by keys")
    parser.add_argument("--lab", default="pictures", help="the lab's name (brought up where it is not)")
    parser.add_argument("--host", default="mx1", help="the host; it is reset")
    parser.add_argument("--domain", default="lab.test", help="a zone of the lab; it is emptied")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with rehearsal(options.lab, options.host, options.domain) as place:
        recording = installation(place)
    pictures = frames(recording)
    cast = as_cast(pictures)
    drawn = animation(hurried(pictures), "mailwiz-tui: a whole installation")
    for secret in recording.secrets:
        if secret in cast or secret in drawn or any(secret in picture.text for _, picture in pictures):
            sys.exit("the password would be in the recording; nothing was written")
    (FOLDER / "installation.cast").write_text(cast, encoding="utf-8")
    (FOLDER / "installation.svg").write_text(drawn, encoding="utf-8")
    print(f"installation.cast {len(cast) / 1024:.0f} KB; installation.svg {len(drawn) / 1024:.0f} KB", end="")
    print(f", {len(pictures)} screens, {sum(seconds for seconds, _ in pictures):.0f} s")


if __name__ == "__main__":
    main()
