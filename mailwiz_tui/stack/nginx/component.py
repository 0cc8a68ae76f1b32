"""nginx: ACME challenges, the MTA-STS policy, settings for mail programs, and web applications."""

from __future__ import annotations

from collections.abc import Iterator

from mailwiz_tui.fleet.web import Web, web
from mailwiz_tui.plan.dnsnames import display_name
from mailwiz_tui.plan.model import Plan, TlsProvider
from mailwiz_tui.plan.published import mta_sts_policy
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import (
    Absent,
    Command,
    Directory,
    File,
    Packages,
    Port,
    PortTls,
    Probe,
    Program,
    Scope,
    Step,
    Unit,
)
from mailwiz_tui.stack.certificate import certificate_consumer
from mailwiz_tui.stack.component import Component, Context, Contribution, WebLocation
from mailwiz_tui.stack.nginx import challenges
from mailwiz_tui.stack.nginx.addresses import login_template, own_script_addresses
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.protocols import has_ipv6
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

SITE = "/etc/nginx/conf.d/mailwiz.conf"
SNIPPETS = "/etc/nginx/snippets"
OWN = "/etc/nginx/mailwiz.d"
CONTENT = "/var/www/mailwiz"


class Nginx(Component):
    """The web server for all that is served over HTTP."""

    name = "nginx"
    title = "nginx (web server)"
    programs = (Program("nginx"),)
    units = (
        UnitWords(
            "nginx",
            "nothing is served over HTTPS: no web application, no MTA-STS policy, no settings for mail programs",
            work=(Work.BROWSER,),
            checks=("nginx.", "tls.", "listeners.wanted", "reach."),
        ),
    )
    telling_packages = ("nginx",)
    offers = (challenges.LINK,)

    def wanted(self, context: Context) -> bool:
        """Servers of the mail hostname, and those that answer ACME challenges for their own name."""
        return context.topology.transfers

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Sites for every name; ``web`` of the components before is included at the mail hostname."""
        found = web(context.plan, context.known) if context.topology.serves_clients else Web()
        applications = tuple(location for contribution in so_far for location in contribution.web)
        if not serves(context.plan, found, applications):
            return Contribution(steps=(_retired(),))
        files = self._files(context, found, applications)
        configuration = tuple(path for path in files if path.startswith("/etc/nginx/"))
        step = Step(
            id="nginx",
            title="Configure nginx (web server)",
            component=self.name,
            items=(
                Directory(OWN),
                Directory(CONTENT),
                Directory(f"{CONTENT}/empty"),
                Directory(layout.ACME_ROOT),
                *_folders_of_sample(context),
                Directory(f"{CONTENT}/mta-sts"),
                Directory(f"{CONTENT}/mta-sts/.well-known"),
                Directory(f"{CONTENT}/autoconfig"),
                Absent("/etc/nginx/sites-enabled/default"),
                *(File(path, text) for path, text in files.items()),
                certificate_consumer("nginx.service", "443"),
                Unit("nginx.service", reload_on=configuration),
            ),
            validators=(("nginx", "-t", "-q"),),
        )
        return Contribution(
            packages=Packages(names=("nginx",)),
            steps=(step,),
            ports=(
                Port(80, "http", Scope.PUBLIC),
                Port(443, "https", Scope.PUBLIC, PortTls.IMPLICIT),
                *((Port(10080, "autodiscover", Scope.LOCAL),) if found.autodiscover else ()),
                *(
                    (Port(layout.CHALLENGES_PORT, "challenges", Scope.LOCAL),)
                    if challenges.other_fronts(context)
                    else ()
                ),
            ),
            probes=_PROBES,
            kept=(OWN,),
        )

    @staticmethod
    def _files(context: Context, found: Web, applications: tuple[WebLocation, ...]) -> dict[str, str]:
        files = {
            f"{SNIPPETS}/mailwiz-tls.conf": render(
                "nginx",
                "mailwiz-tls.conf",
                modern=context.codename != "bookworm",
                certificate=layout.TLS_CHAIN,
                key=layout.TLS_KEY,
            ),
            f"{SNIPPETS}/mailwiz-headers.conf": render("nginx", "mailwiz-headers.conf"),
        }
        if found.autodiscover:
            files[f"{SNIPPETS}/mailwiz-autodiscover.conf"] = render("nginx", "autodiscover-location.conf")
        if found.mta_sts:
            files[f"{CONTENT}/mta-sts/.well-known/mta-sts.txt"] = mta_sts_policy(context.plan)
        for domain in found.autoconfig:
            files[f"{CONTENT}/autoconfig/{domain}.xml"] = render(
                "nginx",
                "autoconfig.xml",
                domain=domain,
                shown=display_name(domain),
                login=login_template(domain),
                hostname=context.plan.domain.hostname,
            )
        path, text = challenges.own_sample(context)
        if path:
            files[f"{layout.ACME_ROOT}{path}"] = text
        files[SITE] = _site(context, found, applications)
        return files


def _folders_of_sample(context: Context) -> Iterator[Directory]:
    """The folders of the file that other servers answer with."""
    folder, _, _ = challenges.own_sample(context)[0].rpartition("/")
    parts = folder.split("/")[1:]
    for number in range(len(parts)):
        yield Directory("/".join((layout.ACME_ROOT, *parts[: number + 1])))


def serves(plan: Plan, found: Web, applications: tuple[WebLocation, ...]) -> bool:
    """Whether there is anything to serve."""
    acme = plan.security.tls.provider is TlsProvider.LETSENCRYPT
    return bool(acme or found.names or applications)


def _site(context: Context, found: Web, applications: tuple[WebLocation, ...]) -> str:
    return render(
        "nginx",
        "mailwiz.conf",
        hostname=context.public_names[-1],
        web=found,
        http=tuple(application.http.strip("\n") for application in applications if application.http),
        locations=tuple(_indented(application.server) for application in applications),
        ssl_options="ssl" if context.codename != "bookworm" else "ssl http2",
        ipv6=has_ipv6(context),
        names=" ".join(dict.fromkeys((*context.public_names, *found.names))),
        own_names=" ".join(context.public_names),
        acme_root=layout.ACME_ROOT,
        fronts=challenges.other_fronts(context),
        challenges=challenges.CHALLENGES,
        challenges_port=layout.CHALLENGES_PORT,
        ready=challenges.READY,
        own_script=own_script_addresses(found.autodiscover),
        answer=render("nginx", "autodiscover.xml", hostname=context.plan.domain.hostname).rstrip("\n"),
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line.strip() else "" for line in text.strip("\n").split("\n"))


def _retired() -> Step:
    """Removes the sites of mailwiz-tui and stops nginx, unless it has other sites."""
    return Step(
        id="nginx",
        title="Stop nginx (nothing to serve)",
        component=Nginx.name,
        items=(
            Absent(f"{layout.TLS_SERVICES}/nginx"),
            Command(id="nginx.retire", argv=("sh", "-c", _RETIRE), unless=("test", "!", "-e", SITE)),
        ),
    )


_RETIRE = (
    f"rm -f {SITE} && if ls -A /etc/nginx/sites-enabled /etc/nginx/conf.d | grep -q '[.a-z]*[a-z]$'; "
    "then systemctl reload nginx; else systemctl disable --now nginx; fi"
)

_PROBES = (
    unit_active("nginx.service", "nginx (web server) runs"),
    clean_check(
        "nginx.config", "nginx accepts its configuration", ("nginx", "-t", "-q"), refuse=r"\[(?:warn|emerg)\]"
    ),
    Probe(
        id="nginx.challenges",
        proves="nginx can read the folder of ACME challenges",
        argv=("su", "-s", "/bin/sh", "-c", f"test -r {layout.ACME_ROOT} && echo readable", "www-data"),
        expect="readable",
        advice=f"chmod 755 {layout.ACME_ROOT} and the folders above it",
    ),
)
