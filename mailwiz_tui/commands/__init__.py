"""The command line without the screens: one file per command, each a ``run(arguments) -> exit code``."""
