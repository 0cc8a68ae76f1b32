-- Root on the server with PostfixAdmin upgrades the tables for a new version of it.
{= user =}
GRANT ALL PRIVILEGES ON `{= database =}`.* TO {= account =};
