-- Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
-- The database and who may read what: Postfix no password hashes, Dovecot nothing but accounts, and it
-- writes only how full mailboxes are. Both are known by their system user over the Unix socket.
CREATE DATABASE IF NOT EXISTS `{= database =}` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

CREATE USER IF NOT EXISTS 'postfix'@'localhost' IDENTIFIED VIA unix_socket;
ALTER USER 'postfix'@'localhost' IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS {= postfix =};
GRANT SELECT ON `{= database =}`.`domain` TO 'postfix'@'localhost';
GRANT SELECT ON `{= database =}`.`alias` TO 'postfix'@'localhost';
GRANT SELECT ON `{= database =}`.`alias_domain` TO 'postfix'@'localhost';
GRANT SELECT (`username`, `local_part`, `domain`, `maildir`, `quota`, `active`)
    ON `{= database =}`.`mailbox` TO 'postfix'@'localhost';

CREATE USER IF NOT EXISTS 'dovecot'@'localhost' IDENTIFIED VIA unix_socket;
ALTER USER 'dovecot'@'localhost' IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS {= dovecot =};
GRANT SELECT ON `{= database =}`.`domain` TO 'dovecot'@'localhost';
GRANT SELECT (`username`, `password`, `local_part`, `domain`, `maildir`, `quota`, `active`)
    ON `{= database =}`.`mailbox` TO 'dovecot'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{= database =}`.`quota2` TO 'dovecot'@'localhost';

-- Programs that check messages read addresses and how full mailboxes are, no password hashes.
{= readers =}
