"""Plan and facts compiled into one blueprint per server; one folder per component."""
