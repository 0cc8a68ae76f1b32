-- Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
-- PostfixAdmin reads and writes rows of the accounts; it can neither change tables nor give rights.
CREATE USER IF NOT EXISTS 'postfixadmin'@'localhost' IDENTIFIED VIA unix_socket;
ALTER USER 'postfixadmin'@'localhost' IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 30;
GRANT SELECT, INSERT, UPDATE, DELETE ON `@@DATABASE@@`.* TO 'postfixadmin'@'localhost';
