"""System users: created where missing; an existing one only gains groups (useradd(8), usermod(8))."""

from __future__ import annotations

import grp
import pwd

from ..core.context import Context
from ..core.fault import AgentFault
from ..core.host import require
from ..protocol.blueprint import User
from ..protocol.runs import Change


def status(ctx: Context, item: User) -> Change | None:
    """What a user lacks. On other roots than ``/`` users are not looked at."""
    if not ctx.host.can_chown:
        return None
    name = item.name
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        if item.create:
            return Change("user", name, "create")
        return Change("user", name, "join", note=f"groups {', '.join(item.groups)}")
    missing = _missing_groups(user, item)
    return Change("user", name, "join", note=f"groups {', '.join(missing)}") if missing else None


def apply(ctx: Context, item: User, change: Change) -> None:
    """Makes the user, or adds it to groups."""
    name = item.name
    if change.action == "create":
        argv = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        argv += ["--home-dir", item.home or "/nonexistent"]
        if _group_exists(name):
            argv += ["--gid", name]
        elif item.uid is not None:
            require(ctx.host.run(["groupadd", "--system", "--gid", str(item.uid), name]), "groupadd failed", name)
            argv += ["--gid", name]
        else:
            argv += ["--user-group"]
        if item.uid is not None:
            argv += ["--uid", str(item.uid)]
        require(ctx.host.run([*argv, name]), f"cannot create the user {name}", name)
    try:
        user = pwd.getpwnam(name)
    except KeyError as error:
        raise AgentFault(
            f"user {name} does not exist", name, "the package that creates it must be installed first"
        ) from error
    for group in _missing_groups(user, item):
        require(ctx.host.run(["usermod", "-a", "-G", group, name]), f"cannot add {name} to {group}", name)


def _group_exists(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _missing_groups(user: pwd.struct_passwd, item: User) -> list[str]:
    missing = []
    for group in item.groups:
        try:
            found = grp.getgrnam(group)
        except KeyError:
            missing.append(group)
            continue
        if user.pw_name not in found.gr_mem and found.gr_gid != user.pw_gid:
            missing.append(group)
    return missing
