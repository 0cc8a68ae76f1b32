"""The types of the plan's names: pydantic-annotated strings, each checked by the rule of its kind.

The rules themselves are in ``dnsnames``, ``hosts``, ``mailnames`` and ``places``. ``Optional…`` types
accept the empty string, which means “not given”.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from mailwiz_tui.plan import dnsnames, hosts, mailnames, storage_names


def _or_empty(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda text: check(text) if text else "")


ServerId = Annotated[str, AfterValidator(dnsnames.server_id)]
DomainName = Annotated[str, AfterValidator(dnsnames.domain_name)]
HostName = Annotated[str, AfterValidator(dnsnames.host_name)]
SpfDomain = Annotated[str, AfterValidator(dnsnames.spf_domain)]
DkimSelector = Annotated[str, AfterValidator(dnsnames.dkim_selector)]

IpAddress = Annotated[str, AfterValidator(hosts.ip_address)]
OptionalServerId = Annotated[str, _or_empty(dnsnames.server_id)]
OptionalIpAddress = Annotated[str, _or_empty(hosts.ip_address)]
OptionalHost = Annotated[str, _or_empty(hosts.host)]
OptionalUpdateKey = Annotated[str, _or_empty(hosts.update_key)]
OptionalNextHop = Annotated[str, _or_empty(hosts.next_hop)]
OptionalHttpUrl = Annotated[str, _or_empty(hosts.http_url)]
OptionalHttpsUrl = Annotated[str, _or_empty(hosts.https_url)]

OptionalMailAddress = Annotated[str, _or_empty(mailnames.mail_address)]
OptionalLogin = Annotated[str, _or_empty(mailnames.login_name)]
OptionalReportAddress = Annotated[str, _or_empty(mailnames.report_addresses)]

AbsolutePath = Annotated[str, AfterValidator(storage_names.absolute_path)]
OptionalAbsolutePath = Annotated[str, _or_empty(storage_names.exported_path)]
OptionalFilePath = Annotated[str, _or_empty(storage_names.local_file)]
OptionalBucketName = Annotated[str, _or_empty(storage_names.bucket_name)]
OptionalRegion = Annotated[str, _or_empty(storage_names.region_name)]
OptionalAccessKey = Annotated[str, _or_empty(storage_names.access_key)]
OptionalBackupTarget = Annotated[str, _or_empty(storage_names.backup_target)]
KeptCopies = Annotated[int, Field(ge=0, le=1000, strict=True)]

display_name = dnsnames.display_name
