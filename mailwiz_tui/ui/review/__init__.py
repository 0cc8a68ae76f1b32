"""The review: the plan and what will be installed, before anything is."""
