"""Disposable real Debian hosts on this machine, with an internet of their own, to rehearse a plan on.

Each host is a systemd-nspawn container over a read-only base image, or has a kernel of its own (User-Mode Linux)
for what a container cannot have, such as DRBD and a watchdog. All hosts of a lab live in one network namespace,
with documentation addresses (RFC 5737, RFC 3849) and a signed DNS from the root down. A host named ``outside`` is
the rest of the Internet: name servers, the provider's resolver, a package proxy, an ACME server and a
correspondent at outside.test. Only package downloads leave the namespace.

``lab.Lab`` is the interface; ``command`` is the same for the command line.
"""
