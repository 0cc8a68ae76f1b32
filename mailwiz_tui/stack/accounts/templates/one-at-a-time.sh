# Several servers may run this at the same time. A lock in MariaDB, which ends with the connection, lets one of them work;
# the others wait and then find nothing left to do.
# https://mariadb.com/docs/server/reference/sql-functions/secondary-functions/miscellaneous-functions/get_lock
if [ "${1:-}" != --alone ]; then
    {= client =} {= database =} <<END
DELIMITER //
BEGIN NOT ATOMIC
    IF NOT GET_LOCK('mailwiz-tables-{= database =}', 240) <=> 1 THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'another server has been upgrading these tables for 4 min';
    END IF;
END //
\! $0 --alone
END
    exec "$0" --check
fi
