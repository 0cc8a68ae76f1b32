"""The rate limiter for users' mail, if the spam filter has none."""
