"""Rspamd (spam filter, DKIM): a milter that signs with DKIM and evaluates SPF, DKIM and DMARC."""
