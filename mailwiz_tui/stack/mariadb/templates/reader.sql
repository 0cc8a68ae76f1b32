CREATE USER IF NOT EXISTS '@@USER@@'@'localhost' IDENTIFIED VIA unix_socket;
ALTER USER '@@USER@@'@'localhost' IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 50;
GRANT SELECT ON `@@DATABASE@@`.`domain` TO '@@USER@@'@'localhost';
GRANT SELECT ON `@@DATABASE@@`.`alias` TO '@@USER@@'@'localhost';
GRANT SELECT ON `@@DATABASE@@`.`alias_domain` TO '@@USER@@'@'localhost';
GRANT SELECT ON `@@DATABASE@@`.`quota2` TO '@@USER@@'@'localhost';
GRANT SELECT (`username`, `local_part`, `domain`, `quota`, `active`)
    ON `@@DATABASE@@`.`mailbox` TO '@@USER@@'@'localhost';
