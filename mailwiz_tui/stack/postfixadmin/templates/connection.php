// The database is on another server and knows this program by a certificate of its own: there is no password. Only
// root, on the command line and with another certificate, may change the tables (public/upgrade.php).
$root = PHP_SAPI === 'cli' && posix_geteuid() === 0;
$CONF['database_type'] = 'mysqli';
$CONF['database_host'] = '@@HOST@@';
$CONF['database_port'] = '@@PORT@@';
$CONF['database_socket'] = '';
$CONF['database_use_ssl'] = true;
$CONF['database_ssl_ca'] = '@@PEERS@@';
$CONF['database_ssl_cert'] = $root ? '@@ROOT_CERTIFICATE@@' : '@@CERTIFICATE@@';
$CONF['database_ssl_key'] = $root ? '@@ROOT_KEY@@' : '@@KEY@@';
$CONF['database_ssl_verify_server_cert'] = true;
$CONF['database_user'] = $root ? '@@ROOT_USER@@' : '@@USER@@';
