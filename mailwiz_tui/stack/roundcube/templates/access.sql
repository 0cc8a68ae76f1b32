-- Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
-- Roundcube has a database of its own. It cannot read the accounts; it may call one procedure, which sets the hash of an
-- active account and runs with the rights of a user with which nobody can log in (ACCOUNT LOCK).
-- https://mariadb.com/docs/server/reference/sql-statements/data-definition/create/create-procedure
CREATE DATABASE IF NOT EXISTS `{= database =}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

{= user =}
GRANT ALL PRIVILEGES ON `{= database =}`.* TO {= account =};

CREATE USER IF NOT EXISTS 'mailwiz_password'@'localhost' ACCOUNT LOCK;
GRANT SELECT (`username`, `active`), UPDATE (`password`, `modified`)
    ON `{= accounts =}`.`mailbox` TO 'mailwiz_password'@'localhost';

DELIMITER //
CREATE OR REPLACE DEFINER = 'mailwiz_password'@'localhost'
    PROCEDURE `{= accounts =}`.`mailwiz_set_password`(IN account VARCHAR(255), IN hash VARCHAR(255))
    MODIFIES SQL DATA
    SQL SECURITY DEFINER
BEGIN
    IF hash NOT RLIKE '^[{]ARGON2ID[}][$]argon2id[$]v=19[$][a-z0-9=,]+[$][A-Za-z0-9+/]+[$][A-Za-z0-9+/]+$' THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this is no password hash';
    END IF;
    UPDATE `{= accounts =}`.`mailbox` SET `password` = hash, `modified` = NOW()
        WHERE `username` = account AND `active` = 1;
END //
DELIMITER ;

GRANT EXECUTE ON PROCEDURE `{= accounts =}`.`mailwiz_set_password` TO 'mailwiz_password'@'localhost';
GRANT EXECUTE ON PROCEDURE `{= accounts =}`.`mailwiz_set_password` TO {= account =};
