"""Forwarded mail: the Sender Rewriting Scheme (SRS) by postsrsd, and its way through Postfix."""
