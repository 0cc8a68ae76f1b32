"""What will be done on a server, in words, derived from its blueprint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack.blueprint import Blueprint, Scope, Unit
from mailwiz_tui.stack.compile import COMPONENTS

MOST_FOLDERS = 8


def happens_on(blueprint: Blueprint) -> list[tuple[str, str]]:
    """Rows of a short label and a sentence: packages, steps, files, services, ports, and secrets to enter."""
    rows = [
        ("installs", _packages(blueprint)),
        (
            "does",
            f"{counted(len(blueprint.steps), 'step')}: {_joined((_lower(s.title) for s in blueprint.steps), '; ')}",
        ),
        ("writes", _files(blueprint)),
        ("runs", _joined(_unit(u) for u in blueprint.units() if u.running and not u.masked)),
        ("disables", _joined(_unit(u) for u in blueprint.units() if not u.running or u.masked)),
        ("opens", _ports(blueprint, Scope.PUBLIC, "to everyone")),
        ("opens", _ports(blueprint, Scope.PEERS, "to the plan's other servers")),
        ("asks you", _joined(spec.given for spec in blueprint.secrets if spec.given)),
    ]
    return [(label, text) for label, text in rows if text]


def replaced_files(blueprint: Blueprint, software: Iterable[str]) -> list[str]:
    """The configuration files of these packages that the blueprint replaces."""
    folders = tuple(f"/etc/{name.partition('-')[0]}/" for name in software)
    return sorted(p for p in blueprint.files() if p.startswith(folders) and "mailwiz" not in p.rpartition("/")[2])


def _packages(blueprint: Blueprint) -> str:
    names = blueprint.packages()
    main = [name for component in COMPONENTS for name in component.telling_packages if name in names]
    rest = f" and {len(names) - len(main)} dependencies" if len(names) > len(main) else ""
    return f"{counted(len(names), 'package')} from Debian: {', '.join(main)}{rest}"


def _files(blueprint: Blueprint) -> str:
    files = blueprint.files()
    folders = Counter("/".join(PurePosixPath(path).parts[:3]).replace("//", "/") for path in files)
    most = [f"{folder} ({count})" if count > 1 else folder for folder, count in folders.most_common(MOST_FOLDERS)]
    rest = f" and {len(folders) - MOST_FOLDERS} more folders" if len(folders) > MOST_FOLDERS else ""
    return f"{counted(len(files), 'file')}: {', '.join(most)}{rest}; replaced files are kept as backups"


def _ports(blueprint: Blueprint, scope: Scope, whom: str) -> str:
    found = [(p.number, p.service, p.protocol) for p in blueprint.ports if p.scope is scope]
    names = [f"{n}{'/udp' if protocol == 'udp' else ''} {service}" for n, service, protocol in sorted(found)]
    return f"{', '.join(dict.fromkeys(names))} {whom}" if names else ""


def _unit(unit: Unit) -> str:
    return unit.name.removesuffix(".service")


def _joined(words: Iterable[str], between: str = ", ") -> str:
    return between.join(dict.fromkeys(words))


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
