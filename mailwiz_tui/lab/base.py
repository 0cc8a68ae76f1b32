"""The base images: root file systems that are built once and never booted; every host is a layer over one."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import machine, sources, templates
from .machine import LabError, Report, run
from .zones import SIGNED_ZONES

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "ca-certificates",
    "sudo",
)
"""The packages of a bare server; without python3, so that the installation has to install it."""
INSIDE_SUITE = "trixie"
"""Debian release of the host ``outside``."""
BUILD_SECONDS = 7200
"""How long an image may take to build: a kernel takes minutes, and more on a busy machine."""


def architecture() -> str:
    """Return Debian's name for this machine's processor."""
    return run("dpkg", "--print-architecture").stdout.strip()


def base_image(suite: str, report: Report) -> Path:
    """Return the base image of a Debian release, building it the first time."""
    if suite not in sources.SUITES:
        raise LabError(f"suite {suite!r} is not one of {', '.join(sources.SUITES)}")
    archive = sources.read_archive()
    script = templates.source("base.sh")
    name = f"base-{suite}-{_digest(architecture(), *PACKAGES, *archive.urls, script)}"

    def build(root: Path) -> None:
        report(f"building the {suite} base image (once, about a minute)")
        _in_own_mounts(
            "debootstrap",
            "--variant=minbase",
            f"--keyring={machine.KEYRING}",
            f"--include={','.join(PACKAGES)}",
            suite,
            str(root),
            archive.main,
        )
        (root / "etc/apt/sources.list").write_text(archive.sources_list(suite))
        _chroot(root, script)
        (root / "etc/apt/sources.list").write_text(archive.sources_list(suite, plain=True))

    return _cached(name, build, report)


def outside_image(report: Report) -> tuple[Path, Path]:
    """Return (layer, base) of the host ``outside``, building the layer the first time."""
    script = templates.render("outside.sh", zones=" ".join(SIGNED_ZONES))
    return layer_image(
        "outside",
        "the host outside: DNS, mail, packages, ACME (once, about 30 s)",
        script,
        report,
        files={"etc/systemd/system/pebble.service": templates.source("pebble.service")},
    )


def layer_image(
    name: str,
    what: str,
    script: str,
    report: Report,
    *,
    suite: str = INSIDE_SUITE,
    files: Mapping[str, str] | None = None,
    keep: str = "",
) -> tuple[Path, Path]:
    """Return (layer, base) of an image that a script makes from a release's base image, building it once.

    ``files`` are written first: path below the root -> content; ``what`` completes "building the image of". With
    ``keep`` the layer is what the script left in that folder, and the rest was only needed to make it.
    """
    base = base_image(suite, report)
    written = dict(files or {})
    name = f"{name}-{_digest(base.name, script, *written.values())}"

    def build(layer: Path) -> None:
        report(f"building the image of {what}")
        work = layer.with_name(layer.name + ".work")
        root = layer.with_name(layer.name + ".root")
        for folder in (work, root):
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in {"etc/apt/sources.list": sources.read_archive().sources_list(suite), **written}.items():
            (layer / path).parent.mkdir(parents=True, exist_ok=True)
            (layer / path).write_text(text)
        try:
            overlay = f"lowerdir={base},upperdir={layer},workdir={work}"
            _chroot(root, script, before=("mount", "-t", "overlay", "-o", overlay, "overlay", str(root)))
        finally:
            shutil.rmtree(work, ignore_errors=True)
            shutil.rmtree(root, ignore_errors=True)
        if keep:
            kept = layer.with_name(layer.name + ".kept")
            (layer / keep).rename(kept)
            shutil.rmtree(layer)
            kept.rename(layer)

    return _cached(name, build, report), base


def purge() -> None:
    """Remove all images and downloaded packages; refused while a lab uses them."""
    labs = sorted(path.parent.name for path in machine.STATE.glob("*/state.json"))
    if labs:
        raise LabError(
            f"the images are in use by {', '.join(labs)}; take down first: mailwiz-tui lab down --name …"
        )
    with machine.locked(machine.RUN / "images.lock"):
        if machine.mounts(machine.CACHE):
            raise LabError(f"a file system is still mounted below {machine.CACHE}; unmount it first")
        shutil.rmtree(machine.CACHE, ignore_errors=True)


def _cached(name: str, build: Callable[[Path], None], report: Report) -> Path:
    """Return the image ``name``, built in a temporary folder and renamed, so that no incomplete image is used."""
    image = machine.CACHE / name
    if image.is_dir():
        return image
    with machine.locked(
        machine.RUN / "images.lock", lambda: report("waiting for another lab that is building an image")
    ):
        if image.is_dir():
            return image
        machine.CACHE.mkdir(parents=True, exist_ok=True)
        for leftover in machine.CACHE.glob("building-*"):
            machine.unmount(leftover)
            shutil.rmtree(leftover)
        fresh = machine.CACHE / f"building-{name}"
        fresh.mkdir(mode=0o755)
        try:
            build(fresh)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        fresh.rename(image)
        _forget_unused(image)
    return image


def _forget_unused(image: Path) -> None:
    """Remove former images of the same kind, except those in use."""
    used = {line for record in machine.STATE.glob("*/*/images") for line in record.read_text().splitlines()}
    for former in image.parent.glob(f"{image.name.rpartition('-')[0]}-*"):
        if former != image and str(former) not in used:
            shutil.rmtree(former, ignore_errors=True)


def _chroot(root: Path, script: str, before: Sequence[str] = ()) -> None:
    """Run a script in a root file system, with mounts that end with it in every case."""
    shell = [
        'root="$1"; shift; if [ $# -gt 0 ]; then "$@"; fi',
        'mount -t proc proc "$root/proc"',
        'cp /etc/resolv.conf /etc/hosts "$root/etc/"',
        'exec chroot "$root" sh -s',
    ]
    _in_own_mounts("sh", "-ec", "\n".join(shell), "sh", str(root), *before, stdin=script)


def _in_own_mounts(*command: str, stdin: str | None = None) -> None:
    """Run a program in namespaces of its own, which end with this program even if it is killed."""
    proxy = sources.apt_proxy()
    env = {"http_proxy": proxy, "https_proxy": proxy} if proxy else {}
    path = os.environ.get("PATH", "")
    env["PATH"] = f"{path}:/usr/sbin:/sbin:/usr/bin:/bin"
    apart = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
    run("setpriv", "--pdeathsig", "KILL", *apart, *command, stdin=stdin, env=env, timeout=BUILD_SECONDS)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]
