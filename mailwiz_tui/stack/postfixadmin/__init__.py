"""PostfixAdmin, accounts in a browser."""
