"""SpamAssassin: spamd, and the milter that asks it."""
