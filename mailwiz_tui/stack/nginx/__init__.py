"""nginx: everything that is fetched over HTTP."""
