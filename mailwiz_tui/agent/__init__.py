"""The agent: what does the work on a server. Standard library of Python 3.11 only, shipped as one archive.

It has two modes (``__main__.py``): *serve* answers requests over an SSH channel and leaves nothing behind;
*run* carries a whole blueprint out as a systemd unit of its own, so that no lost connection stops it.
Every path lies below a root that tests can put anywhere.
"""
