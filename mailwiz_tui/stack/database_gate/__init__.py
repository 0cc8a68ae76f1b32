"""The database gate: lookups wait while MariaDB restarts, instead of failing."""
