"""The filter: Rspamd as a milter, signing with DKIM, judging with SPF, DKIM and DMARC."""
