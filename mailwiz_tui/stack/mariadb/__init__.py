"""MariaDB (accounts) with the schema of PostfixAdmin."""
