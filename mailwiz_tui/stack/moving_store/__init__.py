"""How the plan's servers find the store that moves."""
