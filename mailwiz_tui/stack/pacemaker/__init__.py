"""The resource manager that starts the store on one server at a time, and the watchdog that makes that certain."""
