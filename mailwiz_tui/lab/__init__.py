"""Disposable real Debian hosts on this machine, with an internet of their own, to rehearse a plan on."""
