"""Accounts in MariaDB, with PostfixAdmin's tables."""
