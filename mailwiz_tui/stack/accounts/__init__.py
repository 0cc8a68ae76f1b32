"""Accounts for the servers without MariaDB: which users may read the account store, and the copies."""
