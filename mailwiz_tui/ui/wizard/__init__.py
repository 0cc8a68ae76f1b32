"""The eight steps that ask the plan's questions."""
