"""PHP's process manager, which runs the pools of the web applications."""

from __future__ import annotations

from mailwiz_tui.stack.blueprint import Ask, Directory, File, Packages, Ready, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.php.pool import FASTCGI, pools, unit, version
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work


class Php(Component):
    """Debian's php-fpm; each application brings its pool."""

    name = "php"
    title = "PHP (web applications)"
    units = (
        UnitWords(
            "php*-fpm",
            "web applications do not answer",
            work=(Work.BROWSER,),
            checks=("php.",),
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Servers that may have a web application."""
        return context.topology.serves_clients

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The common parameters for nginx, if components before have pools; nothing without a pool."""
        folder = pools(context)
        configuration = tuple(
            item.path
            for contribution in so_far
            for step in contribution.steps
            for item in step.items
            if isinstance(item, File) and item.path.startswith(folder)
        )
        if not configuration:
            return Contribution()
        journal = f"{folder}/mailwiz-journal.conf"
        daemon = f"php-fpm{version(context)}"
        step = Step(
            id="php",
            title="Configure PHP",
            component=self.name,
            items=(
                Directory("/etc/nginx/snippets"),
                File(FASTCGI, render("php", "fastcgi.conf")),
                File(journal, render("php", "journal.conf")),
                Unit(unit(context), restart_on=(journal,), reload_on=configuration),
                *(
                    Ready(f"PHP ({pool})", unit(context), Ask.FASTCGI, f"unix:/run/php/{pool}.sock")
                    for pool in (path.rpartition("/")[2].removesuffix(".conf") for path in configuration)
                ),
            ),
            validators=((daemon, "-t"),),
        )
        return Contribution(
            packages=Packages(names=("php-fpm",)),
            steps=(step,),
            probes=(
                unit_active(unit(context), "PHP (web applications) runs"),
                clean_check("php.config", "PHP accepts its pools", (daemon, "-t"), refuse=r"(?:ERROR|WARNING)"),
            ),
        )
