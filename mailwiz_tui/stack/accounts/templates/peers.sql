-- Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
-- The plan's other servers, each known by its internal certificate and address; no password exists. A server that
-- receives mail reads addresses, one that serves clients also password hashes, and one with mailboxes writes how full
-- they are. https://mariadb.com/docs/server/reference/sql-statements/account-management-sql-statements/create-user
SET @gone = (SELECT GROUP_CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user
    WHERE User = '{= user =}' AND Host NOT IN ({= addresses =}));
SET @drop = IF(@gone IS NULL, 'DO 0', CONCAT('DROP USER ', @gone));
PREPARE statement FROM @drop;
EXECUTE statement;
DEALLOCATE PREPARE statement;
GRANT SELECT ON `{= database =}`.`mailwiz_store` TO 'dovecot'@'localhost';
{= grants =}
