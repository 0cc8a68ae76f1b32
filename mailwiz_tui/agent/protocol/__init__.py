"""What controller and agent say to each other: each request a class, each answer a type, one codec for both ends.

What else both ends need is here, too: how output is cleaned (``clean.py``), the agent's archive (``archive.py``).
The controller sends the agent with each connection, so both ends have the same version of these modules.
What lies on servers (journals, state) may be older; whoever reads it is lenient, the wire is not.
"""
