"""The host itself: its name, mailwiz' folders, and automatic security updates."""
