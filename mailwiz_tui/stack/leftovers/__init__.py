"""What an earlier plan brought and this one does not want."""
