"""Export of records: text, zone file, web forms, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from textwrap import wrap

from mailwiz_tui.dns.record import Note, Record, Section

WIDTH = 78


@dataclass(frozen=True, slots=True)
class WebValue:
    """A record for the web form of a DNS provider.

    ``host`` is relative to ``domain`` (``@`` for the domain itself), ``value`` is one unquoted string
    without a final dot; ``priority`` is a separate field for MX and SRV, else None.
    """

    domain: str
    host: str
    type: str
    value: str
    priority: int | None
    ttl: int
    reason: str


def as_text(records: Sequence[Record], notes: Iterable[Note] = ()) -> str:
    """The records by domain and purpose, each with its reason, for reading."""
    lines: list[str] = []
    for domain, group in groupby(records, key=lambda r: r.domain):
        lines += [domain, "=" * len(domain), ""]
        mine = list(group)
        for section in Section:
            inside = [r for r in mine if r.section is section]
            if inside:
                lines += [section.value, "-" * len(section.value), ""]
            for record in inside:
                lines += _paragraph(record)
    noted = list(notes)
    if noted:
        lines += ["To know", "=======", ""]
        for note in noted:
            lines += [*wrap(f"{note.domain}, {note.subject}: {note.text}", WIDTH), ""]
    return "\n".join(lines)


def _paragraph(record: Record) -> list[str]:
    need = "required" if record.required else "recommended"
    body = [*wrap(f"{need}: {record.reason}", WIDTH - 4)]
    if record.note:
        body += wrap(f"note: {record.note}", WIDTH - 4)
    head = (
        f"{record.name}  {record.type}" if record.type == "PTR" else f"{record.name}  {record.ttl}  {record.type}"
    )
    return [head, f"    {record.shown}", *(f"    {line}" for line in body), ""]


def as_zone(records: Sequence[Record]) -> str:
    """Zone-file text (RFC 1035 section 5) to be added to the zones named in ``$ORIGIN``.

    PTR records and unknown ones are comments: the former belong into a zone of the provider.
    """
    lines: list[str] = []
    for domain, group in groupby(records, key=lambda r: r.domain):
        lines += [f"; records for the zone {domain}", f"$ORIGIN {domain}.", ""]
        for record in group:
            lines += [f"; {line}" for line in wrap(record.reason, WIDTH - 2)]
            line = f"{_owner(record)}\t{record.ttl}\tIN\t{record.type}\t{_zone_value(record)}"
            if record.type == "PTR":
                lines.append(f"; in the reverse zone: {line}")
            elif record.pending:
                lines.append(f"; {record.name}. {record.type}: {record.pending}")
            else:
                lines.append(line)
        lines.append("")
    return "\n".join(lines)


def _owner(record: Record) -> str:
    inside = record.name == record.domain or record.name.endswith(f".{record.domain}")
    return record.host if inside else f"{record.name}."


def _zone_value(record: Record) -> str:
    if record.type != "TXT" or len(record.rdata) <= 200:
        return record.rdata
    parts = record.rdata.split('" "')
    inner = '"\n\t\t"'.join(parts)
    return f"(\n\t\t{inner}\n\t\t)"


def as_web_values(records: Iterable[Record]) -> str:
    """The fields of a provider's web form, as text."""
    lines: list[str] = []
    for web in web_values(records):
        lines += [f"domain: {web.domain}", f"type: {web.type}", f"host: {web.host}"]
        if web.priority is not None:
            lines.append(f"priority: {web.priority}")
        lines += [f"value: {web.value}", f"ttl: {web.ttl}", ""]
    return "\n".join(lines)


def web_values(records: Iterable[Record]) -> list[WebValue]:
    """The records for a provider's web form; unknown ones are omitted."""
    found: list[WebValue] = []
    for record in records:
        if record.pending:
            continue
        value, priority = record.value, None
        if record.type in ("MX", "SRV"):
            first, _, value = value.partition(" ")
            priority = int(first)
        if record.type in ("MX", "SRV", "CNAME", "PTR") and not value.endswith(" ."):
            value = value.removesuffix(".")
        host = record.name if record.type == "PTR" else record.host
        found.append(WebValue(record.domain, host, record.type, value, priority, record.ttl, record.reason))
    return found


def as_json(records: Iterable[Record], notes: Iterable[Note] = ()) -> str:
    """The records as JSON with stable keys: ``{"version": 1, "records": [...], "notes": [...]}``.

    Each record has ``domain``, ``name``, ``type``, ``value`` (TXT in one piece), ``rdata`` (zone-file form),
    ``ttl``, ``required``, ``section``, ``reason``, ``note`` and ``pending`` (empty, or why there is no value).
    """
    rows = [
        {
            "domain": r.domain,
            "name": r.name,
            "type": r.type,
            "value": r.value,
            "rdata": "" if r.pending else r.rdata,
            "ttl": r.ttl,
            "required": r.required,
            "section": r.section.name.lower(),
            "reason": r.reason,
            "note": r.note,
            "pending": r.pending,
        }
        for r in records
    ]
    data = {"version": 1, "records": rows, "notes": [asdict(note) for note in notes]}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
