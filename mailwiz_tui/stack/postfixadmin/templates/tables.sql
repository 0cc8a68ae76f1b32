-- Root on the server with the panel changes the tables as a new version of it wants them.
@@USER@@
GRANT ALL PRIVILEGES ON `@@DATABASE@@`.* TO @@ACCOUNT@@;
