"""Which servers there are, how to reach them, and what was learnt from each."""
