"""The lab's hosts get their packages from where this machine gets its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.lab.machine import LabError
from mailwiz_tui.lab.sources import Archive, read_archive

DEB822 = """\
Types: deb
# http://snapshot.example.net/archive/debian/20250520T000000Z
URIs: http://mirror.example.net/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://mirror.example.net/debian-security
Suites: bookworm-security
Components: main contrib
"""
OTHERS = """\
deb https://packages.example.com/apt cloud-sdk-bookworm main
deb [arch=amd64] https://deb.example.org/node_20.x nodistro main
deb-src http://src.example.net/debian trixie main
# deb http://commented.example.net/debian trixie main
deb cdrom:[Debian]/ trixie main
"""


def apt(folder: Path, **files: str) -> Path:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        stem, _, extension = name.rpartition("_")
        path = (
            folder / "sources.list" if name == "sources_list" else folder / "sources.list.d" / f"{stem}.{extension}"
        )
        path.write_text(text)
    return folder


def test_stanzas(tmp_path: Path) -> None:
    assert read_archive(apt(tmp_path, debian_sources=DEB822, other_list=OTHERS)) == Archive(
        "http://mirror.example.net/debian", "https://mirror.example.net/debian-security"
    )


@pytest.mark.parametrize("options", ["", "[signed-by=/usr/share/keyrings/x.gpg arch=amd64] "])
def test_one_line_format(tmp_path: Path, options: str) -> None:
    text = (
        f"deb {options}http://ftp.example.net/debian/ trixie main contrib # a remark\n"
        f"deb {options}http://sec.example.net/debian-security trixie-security main\n"
        f"deb {options}http://other.example.net/debian trixie main\n"
    )
    assert read_archive(apt(tmp_path, sources_list=text)) == Archive(
        "http://ftp.example.net/debian", "http://sec.example.net/debian-security"
    )


@pytest.mark.parametrize(
    "text",
    ["", OTHERS, "nonsense\n\ndeb\n", DEB822.replace("Types: deb", "Types: deb-src")],
    ids=["empty", "others", "nonsense", "source packages only"],
)
def test_no_archive_of_files_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(LabError, match="has no Debian archive"):
        read_archive(apt(tmp_path, some_list=text, some_sources=text))


def test_disabled_stanza_is_not_used(tmp_path: Path) -> None:
    text = "Enabled: no\n" + DEB822
    with pytest.raises(LabError, match="has no Debian archive"):
        read_archive(apt(tmp_path, debian_sources=text))


def test_no_apt_at_all(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="add a mirror"):
        read_archive(tmp_path / "absent")


def test_hosts_name_everything_by_http_for_the_proxy() -> None:
    archive = Archive("https://mirror.example.net/debian", "https://mirror.example.net/sec")
    assert archive.sources_list("trixie", plain=True) == (
        "deb http://mirror.example.net/debian trixie main\n"
        "deb http://mirror.example.net/debian trixie-updates main\n"
        "deb http://mirror.example.net/sec trixie-security main\n"
    )
    assert "https://mirror.example.net/sec trixie-security" in archive.sources_list("trixie")
