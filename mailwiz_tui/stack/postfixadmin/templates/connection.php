// MariaDB is on another server and knows this program by a certificate of its own: there is no password. Only root, on
// the command line and with another certificate, may change the tables (public/upgrade.php).
$root = PHP_SAPI === 'cli' && posix_geteuid() === 0;
$CONF['database_type'] = 'mysqli';
$CONF['database_host'] = '{= host =}';
$CONF['database_port'] = '{= port =}';
$CONF['database_socket'] = '';
$CONF['database_use_ssl'] = true;
$CONF['database_ssl_ca'] = '{= peers =}';
$CONF['database_ssl_cert'] = $root ? '{= root_certificate =}' : '{= certificate =}';
$CONF['database_ssl_key'] = $root ? '{= root_key =}' : '{= key =}';
$CONF['database_ssl_verify_server_cert'] = true;
$CONF['database_user'] = $root ? '{= root_user =}' : '{= user =}';
