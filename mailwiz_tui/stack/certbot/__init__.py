"""certbot: a public certificate, renewed by itself."""
