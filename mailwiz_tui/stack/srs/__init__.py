"""Forwarded mail: the Sender Rewriting Scheme (SRS) with postsrsd, and its configuration in Postfix."""
