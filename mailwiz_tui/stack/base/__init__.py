"""The host itself: its name, the folders of mailwiz-tui, and automatic security updates."""
