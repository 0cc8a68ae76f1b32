"""What the screens share: answers, inventory, facts, and the work that runs on servers."""
