-- Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
-- The plan's other servers, each known by its internal certificate and address; no password exists. Who takes
-- mail in reads addresses, who serves clients also password hashes, a store also writes how full mailboxes are.
SET @gone = (SELECT GROUP_CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user
    WHERE User = '{= user =}' AND Host NOT IN ({= addresses =}));
SET @drop = IF(@gone IS NULL, 'DO 0', CONCAT('DROP USER ', @gone));
PREPARE statement FROM @drop;
EXECUTE statement;
DEALLOCATE PREPARE statement;
GRANT SELECT ON `{= database =}`.`mailwiz_store` TO 'dovecot'@'localhost';
{= grants =}
