"""Carries blueprints to servers over SSH and records what happened there."""
