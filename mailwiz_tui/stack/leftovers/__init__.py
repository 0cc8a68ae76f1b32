"""Files and units of an earlier plan that this one does not want."""
