"""Makes ``screenshots/*.svg`` from a real installation on a lab host: ``python -m tests.pictures.screenshots``.

Needs root and a lab, as the lab tests do. Every screen is taken at 80×24 and at 120×40; passwords are blotted
out before a picture is written.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from mailwiz_tui.ui.terminal import capabilities

SIZES = ((80, 24), (120, 40))
FOLDER = Path(__file__).resolve().parents[2] / "screenshots"
PATIENCE = 900.0
ENOUGH_LINES = 150


def _pin_environment() -> None:
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "LC_ALL", "LC_CTYPE"):
        os.environ.pop(name, None)
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8", TZ="UTC")
    capabilities.prepare_environment()


_pin_environment()

from mailwiz_tui.ui.app.application import MailwizApp  # noqa: E402
from mailwiz_tui.ui.session.backends import Backends, error_sentence  # noqa: E402
from mailwiz_tui.ui.session.session import Session  # noqa: E402
from tests.pictures.rehearsal import INVENTORY, PLAN, Rehearsal, mirror, rehearsal  # noqa: E402
from tests.pictures.screen import of_app  # noqa: E402
from tests.pictures.svg import still  # noqa: E402


class Camera:
    """Takes every screen at both sizes."""

    def __init__(self, app: MailwizApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot
        self.secrets = [mirror()]

    async def until(self, predicate: Callable[[], bool], what: str) -> None:
        """Wait for something real; ends with the screen as text where it does not come."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while not predicate():
            if asyncio.get_running_loop().time() > end:
                sys.exit(f"never came true: {what}\n{of_app(self.app, self.secrets).text}")
            await self.pilot.pause(0.05)

    async def until_shown(self, text: str) -> None:
        """Wait for a text on the screen."""
        await self.until(lambda: text in of_app(self.app).text, f"“{text}” is shown")

    async def take(self, name: str) -> None:
        """Write the present screen at each size."""
        for columns, rows in SIZES:
            await self.pilot.resize_terminal(columns, rows)
            await self.pilot.pause(0.5)
            self.app.clear_notifications()
            await self.pilot.pause(0.1)
            picture = of_app(self.app, self.secrets)
            leaks = [secret for secret in self.secrets if secret in picture.text]
            if leaks:
                sys.exit(f"{name}: a password would be in the picture; nothing was written")
            path = FOLDER / f"{name}-{columns}x{rows}.svg"
            path.write_text(still(picture, f"mailwiz-tui: {name}"), encoding="utf-8")
            print(f"{path.name}  {path.stat().st_size / 1024:.0f} KB")
        await self.pilot.resize_terminal(*SIZES[0])
        await self.pilot.pause(0.2)

    async def step(self, step_id: str) -> None:
        """Show a step and take it."""
        self.app.show_step(step_id)
        await self.until(lambda: getattr(self.app.screen, "step_id", "") == step_id, step_id)
        await self.pilot.pause(0.3)
        await self.take(step_id)


async def answer(camera: Camera, place: Rehearsal) -> None:
    """Walk the eight steps; the host is asked what it is, and keys are made on it."""
    app, pilot = camera.app, camera.pilot
    await camera.until_shown("Begin")
    await camera.take("start")
    app.session.set("architecture", "single")
    app.session.finish_step("architecture")
    await camera.step("architecture")
    app.session.set("servers", [{"id": place.host, "roles": ["all-in-one"]}])
    app.show_step("roles")
    await camera.until(lambda: getattr(app.screen, "step_id", "") == "roles", "roles")
    await pilot.pause(0.3)
    await pilot.press("f5")
    await camera.until(
        lambda: app.session.probes.outcomes[place.host].facts is not None, "the host told what it is"
    )
    app.session.finish_step("roles")
    await camera.step("roles")
    app.session.set("domain.primary_domain", place.domain)
    app.session.set("domain.hostname", f"mail.{place.domain}")
    app.session.set("security.tls.provider", "selfsigned")
    app.session.finish_step("domains")
    for step in ("domains", "security", "services", "storage"):
        await camera.step(step)
        await pilot.press("f8")
        await pilot.pause(0.3)
    app.show_step("dns")
    await camera.until(lambda: getattr(app.screen, "step_id", "") == "dns", "dns")
    await pilot.pause(0.3)
    await pilot.press("f5")
    await camera.until(lambda: bool(app.session.known.facts(place.host)), "the host told its facts")
    await camera.until(lambda: not any(r.pending for r in app.session.records()[0]), "every record is known")
    place.publish()
    app.session.finish_step("dns")
    await camera.step("dns")
    await camera.step("install")
    app.session.finish_step("install")


async def install(camera: Camera) -> None:
    """Install for real, and take what is seen on the way."""
    app, pilot = camera.app, camera.pilot
    app.show_review()
    await camera.until_shown("ready to install")
    await camera.take("review")
    await pilot.press("f8")
    await camera.until_shown("Install on")
    await pilot.press("right", "enter")
    await camera.until(lambda: app.session.ongoing.installation is not None, "the installation began")
    installation = app.session.ongoing.installation
    assert installation is not None
    run = next(iter(installation.model.servers.values()))
    await camera.until(lambda: len(run.log.lines) > ENOUGH_LINES or not installation.running, "a log")
    await camera.take("dashboard")
    await camera.until(lambda: not installation.running, "the installation came to its end")
    camera.secrets += [password.get_secret_value() for password in installation.handover.secrets()]
    if installation.error or installation.model.failed:
        print(of_app(app, camera.secrets).text)
        sys.exit(f"the installation failed: {installation.error}")
    await pilot.pause(0.5)
    await camera.take("dashboard-done")
    await pilot.press("enter")
    await camera.until_shown("postmaster@")
    await camera.take("credentials")
    try:
        await installation.acknowledge()
    except Exception as error:
        sys.exit(error_sentence(error))
    app.show_results()
    await camera.until_shown("Mail programs warn users about the certificate")
    await camera.take("verification")
    app.show_monitor()
    await camera.until(lambda: app.session.ongoing.monitoring is not None, "the monitor")
    watched = app.session.ongoing.monitoring
    assert watched is not None
    await camera.until(lambda: all(w.looked is not None for w in watched.servers.values()), "a look at the server")
    await camera.take("monitor")


async def photograph(place: Rehearsal) -> None:
    """Run the application over the whole journey."""
    app = MailwizApp(Session(PLAN, INVENTORY, Backends()))
    async with app.run_test(size=SIZES[0]) as pilot:
        camera = Camera(app, pilot)
        await answer(camera, place)
        await install(camera)


def main() -> None:
    """Read the options and make every picture."""
    parser = argparse.ArgumentParser(description="make screenshots/*.svg from a real installation on a lab host")
    parser.add_argument("--lab", default="pictures", help="the lab's name (brought up where it is not)")
    parser.add_argument("--host", default="mx1", help="the host; it is reset")
    parser.add_argument("--domain", default="lab.test", help="a zone of the lab; it is emptied")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with rehearsal(options.lab, options.host, options.domain) as place:
        asyncio.run(photograph(place))


if __name__ == "__main__":
    main()
