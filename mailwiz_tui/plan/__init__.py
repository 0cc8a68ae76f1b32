"""What the operator decided: the plan's models, their rules, and the file they are kept in."""
