"""SpamAssassin (spam filter): spamd and its milter."""
