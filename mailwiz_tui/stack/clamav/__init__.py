"""ClamAV (virus scanner), with any spam filter."""
