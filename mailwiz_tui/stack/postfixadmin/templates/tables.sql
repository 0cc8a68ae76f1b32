-- Root on the server with the panel changes the tables as a new version of it wants them.
{= user =}
GRANT ALL PRIVILEGES ON `{= database =}`.* TO {= account =};
