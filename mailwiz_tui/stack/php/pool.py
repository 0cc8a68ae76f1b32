"""A pool of PHP processes for one web application: its own user, its own folders, its own socket."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.stack.blueprint import Directory, File, Item, User
from mailwiz_tui.stack.capacity import Capacity
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render

VERSIONS = {"bookworm": "8.2", "trixie": "8.4"}
FASTCGI = "/etc/nginx/snippets/mailwiz-fastcgi.conf"
_FORBIDDEN = ("exec", "passthru", "shell_exec", "system", "popen", "pcntl_exec", "dl", "mail")


def version(context: Context) -> str:
    """PHP's version on this release of Debian, part of paths and units."""
    return VERSIONS.get(context.codename, VERSIONS["trixie"])


def unit(context: Context) -> str:
    """The unit of PHP's process manager."""
    return f"php{version(context)}-fpm.service"


def pools(context: Context) -> str:
    """The folder of pools of Debian's process manager."""
    return f"/etc/php/{version(context)}/fpm/pool.d"


@dataclass(frozen=True, slots=True)
class Pool:
    """One application's processes.

    ``path`` is its path in the URL, ``files`` are those that it may open besides its own state, ``may_run`` tells
    whether it may start programs (``proc_open``), ``upload``, ``post`` and ``memory`` are PHP's limits, ``share``
    is its part of the processes that fit into the server's memory. ``first`` is a file that PHP runs before each
    page.
    """

    name: str
    title: str
    path: str
    files: tuple[str, ...]
    upload: str = "2M"
    post: str = "8M"
    memory: str = "128M"
    share: float = 0.5
    may_run: bool = False
    first: str = ""

    @property
    def socket(self) -> str:
        """The socket for nginx."""
        return f"/run/php/mailwiz-{self.name}.sock"

    @property
    def state(self) -> str:
        """The folder of the application's own files; no other user may read it."""
        return f"/var/lib/mailwiz-{self.name}"

    def items(self, context: Context, more: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> tuple[Item, ...]:
        """The user and its further groups, folders and configuration; ``more`` are further files it may open."""
        folders = (Directory(f"{self.state}/{name}", self.name, self.name, 0o700) for name in ("temp", "sessions"))
        forbidden = _FORBIDDEN if self.may_run else (*_FORBIDDEN, "proc_open")
        text = render(
            "php",
            "pool.conf",
            name=self.name,
            title=self.title,
            path=self.path,
            socket=self.socket,
            state=self.state,
            children=str(max(3, round(Capacity.of(context.facts).web_workers * self.share))),
            files=":".join((*self.files, *more, self.state)),
            forbidden=",".join(forbidden),
            upload=self.upload,
            post=self.post,
            memory=self.memory,
        )
        if self.first:
            text += render("php", "prepended.conf", file=self.first)
        return (
            User(self.name, groups=groups),
            Directory(self.state, self.name, self.name, 0o700),
            *folders,
            File(self.config(context), text),
        )

    def config(self, context: Context) -> str:
        """The pool's file."""
        return f"{pools(context)}/mailwiz-{self.name}.conf"
