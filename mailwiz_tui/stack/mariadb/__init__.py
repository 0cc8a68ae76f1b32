"""The accounts: MariaDB with the schema of PostfixAdmin."""
