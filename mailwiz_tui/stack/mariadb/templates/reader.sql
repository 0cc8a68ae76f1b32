CREATE USER IF NOT EXISTS '{= user =}'@'localhost' IDENTIFIED VIA unix_socket;
ALTER USER '{= user =}'@'localhost' IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 50;
GRANT SELECT ON `{= database =}`.`domain` TO '{= user =}'@'localhost';
GRANT SELECT ON `{= database =}`.`alias` TO '{= user =}'@'localhost';
GRANT SELECT ON `{= database =}`.`alias_domain` TO '{= user =}'@'localhost';
GRANT SELECT ON `{= database =}`.`quota2` TO '{= user =}'@'localhost';
GRANT SELECT (`username`, `local_part`, `domain`, `quota`, `active`)
    ON `{= database =}`.`mailbox` TO '{= user =}'@'localhost';
