<?php
// Managed by mailwiz-tui: the next apply writes this file again.
// Own settings: /etc/mailwiz/local.d/roundcube.php, read last, so they win ($config['…'] = …;).
// Every setting is explained in /etc/roundcube/defaults.inc.php.
$config = [];

// The database knows this program by {= known =}: there is no password.
$config['db_dsnw'] = '{= database =}';

// Mail, filters and sending go to the daemons of this host, over TLS that is pinned to the certificate on its
// disk: no authority, name or expiry has to be trusted for that. Whoever writes a mail sends it as himself.
$pinned = ['ssl' => [
    'verify_peer' => false,
    'verify_peer_name' => false,
    'peer_fingerprint' => ['sha256' => openssl_x509_fingerprint('file://{= certificate =}', 'sha256')],
]];
$config['imap_host'] = 'ssl://localhost:993';
$config['imap_conn_options'] = $pinned;
$config['imap_delimiter'] = '/';
$config['smtp_host'] = 'ssl://localhost:465';
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['smtp_helo_host'] = '{= hostname =}';
$config['smtp_conn_options'] = $pinned;
$config['managesieve_host'] = 'tls://localhost:4190';
$config['managesieve_conn_options'] = $pinned;
$config['username_domain'] = '{= domain =}';
$config['mail_domain'] = '';

// The password in a session is encrypted with a key that was made on this server.
$config['des_key'] = '{{secret:roundcube-des-key}}';
$config['cipher_method'] = 'AES-256-CBC';
$config['use_https'] = true;
$config['session_samesite'] = 'Strict';
$config['session_lifetime'] = 60;
$config['session_path'] = '{= path =}';
$config['trusted_host_patterns'] = [{= hostnames =}];
$config['x_frame_options'] = 'sameorigin';
$config['enable_installer'] = false;
$config['login_autocomplete'] = 2;

// Everything is logged to the journal as mail; fail2ban reads the failed logins there.
$config['log_driver'] = 'syslog';
$config['syslog_id'] = 'roundcube';
$config['syslog_facility'] = LOG_MAIL;
$config['log_logins'] = true;
$config['smtp_log'] = true;
$config['temp_dir'] = '{= temp =}';
$config['log_dir'] = '{= temp =}';

// As large as Postfix takes a message
$config['max_message_size'] = '{= message =}';

$config['product_name'] = '{= hostname =}';
$config['support_url'] = '';
$config['disabled_actions'] = ['settings.about'];
$config['skin'] = 'elastic';
$config['enable_spellcheck'] = false;
$config['plugins'] = ['archive', 'managesieve', 'markasjunk', 'password'{= more =}];

// A new password becomes a hash here, and a procedure that can do nothing else puts it into the accounts.
$config['password_driver'] = 'sql';
$config['password_db_dsn'] = '{= accounts =}';
$config['password_query'] = 'CALL mailwiz_set_password(%u, %P)';
$config['password_algorithm'] = 'hash-argon2id';
$config['password_algorithm_options'] = ['memory_cost' => 65536, 'time_cost' => 3, 'threads' => 1];
$config['password_algorithm_prefix'] = '{ARGON2ID}';
$config['password_idn_ascii'] = true;
$config['password_confirm_current'] = true;
$config['password_minimum_length'] = {= shortest =};

if (is_readable('/etc/mailwiz/local.d/roundcube.php')) {
    include '/etc/mailwiz/local.d/roundcube.php';
}
