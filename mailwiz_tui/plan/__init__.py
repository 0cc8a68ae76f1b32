"""The operator's decisions: the plan's models, their rules, and the plan file."""
