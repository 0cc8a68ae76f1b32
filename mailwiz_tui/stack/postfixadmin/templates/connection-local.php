// MariaDB knows this program by its system user over the Unix socket: there is no password. Only root, on the command
// line, may change the tables (public/upgrade.php).
$CONF['database_type'] = 'mysqli';
$CONF['database_host'] = 'localhost';
$CONF['database_socket'] = '{= socket =}';
$CONF['database_user'] = PHP_SAPI === 'cli' && posix_geteuid() === 0 ? 'root' : 'postfixadmin';
