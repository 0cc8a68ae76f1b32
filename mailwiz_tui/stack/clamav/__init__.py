"""ClamAV: finds viruses, whichever filter there is."""
