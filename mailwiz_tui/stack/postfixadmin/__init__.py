"""PostfixAdmin (admin panel): accounts in a browser."""
