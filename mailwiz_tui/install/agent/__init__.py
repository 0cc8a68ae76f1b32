"""The program that runs on a server: standard library only, Python 3.11 or later."""
