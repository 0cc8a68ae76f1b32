"""Running servers, watched."""
