<?php
// Managed by mailwiz-tui: the next apply writes this file again.
// Own settings: /etc/mailwiz/local.d/roundcube.php, read last, so they win ($config['…'] = …;).
//
// Roundcube (webmail). A setting that is not here has Roundcube's default: /etc/roundcube/defaults.inc.php explains all
// of them. https://github.com/roundcube/roundcubemail/wiki/Configuration
$config = [];

// The database knows this program by {= known =}: there is no password.
$config['db_dsnw'] = '{= database =}';

//// Mail: the daemons of this host

// Over TLS, pinned to the certificate on the disk of this host: it need not be valid for "localhost", nor be issued by
// an authority. https://www.php.net/manual/en/context.ssl.php
$pinned = ['ssl' => [
    'verify_peer' => false,
    'verify_peer_name' => false,
    'peer_fingerprint' => ['sha256' => openssl_x509_fingerprint('file://{= certificate =}', 'sha256')],
]];
// IMAP (default: port 143 without TLS). The delimiter is Dovecot's; named here, it is not asked for at each login.
$config['imap_host'] = 'ssl://localhost:993';
$config['imap_conn_options'] = $pinned;
$config['imap_delimiter'] = '/';
// Submission (default: port 587), with the user's own login, the default: the rules for senders apply to webmail too.
$config['smtp_host'] = 'ssl://localhost:465';
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['smtp_helo_host'] = '{= hostname =}';
$config['smtp_conn_options'] = $pinned;
// Filters of users (ManageSieve, RFC 5804).
$config['managesieve_host'] = 'tls://localhost:4190';
$config['managesieve_conn_options'] = $pinned;
// A name without @ logs in under the primary domain. Logins are addresses, so none is made of them (the default).
$config['username_domain'] = '{= domain =}';
$config['mail_domain'] = '';

//// Sessions and security

{: if shared :}
// Any of several servers may get the next request of a session. Sessions are in the database, the default; the password
// in one is encrypted with a key that these servers have in common (default: a known one, with 3DES). Files attached to a
// message that is being written are in the database too (plugins/database_attachments; default: on this server).
$config['des_key'] = trim((string) file_get_contents('{= key =}'));
{: else :}
// The password in a session is encrypted with a key that was made on this server (default: a known one, with 3DES).
$config['des_key'] = '{{secret:roundcube-des-key}}';
{: endif :}
$config['cipher_method'] = 'AES-256-CBC';
// nginx speaks HTTPS with browsers: cookies are for HTTPS alone (default: not), are not sent with requests that another
// site starts (default: as PHP has it), and only below /webmail/.
$config['use_https'] = true;
$config['session_samesite'] = 'Strict';
$config['session_path'] = '{= path =}';
// Minutes without a request until the user is logged out (default 10): a message takes longer to write.
$config['session_lifetime'] = 60;
// Requests for other names are rejected (default: accepted): a forged Host field could make pages lead elsewhere.
$config['trusted_host_patterns'] = [{= hostnames =}];
// The defaults: pages are shown in frames of this host alone, and the installer is off.
$config['x_frame_options'] = 'sameorigin';
$config['enable_installer'] = false;
// Browsers and password managers may fill in address and password (default: neither).
$config['login_autocomplete'] = 2;

//// Log

// To the journal as mail (default: files), with each login; fail2ban reads the failed ones there: journalctl -t roundcube
$config['log_driver'] = 'syslog';
$config['syslog_id'] = 'roundcube';
$config['syslog_facility'] = LOG_MAIL;
$config['log_logins'] = true;
$config['smtp_log'] = true;
// The folder that the pool of PHP may write to.
$config['temp_dir'] = '{= temp =}';
$config['log_dir'] = '{= temp =}';

//// Pages

// The largest message that Postfix accepts (default 100 MB).
$config['max_message_size'] = '{= message =}';

// The name of the server instead of "Roundcube Webmail", and no page that tells versions.
$config['product_name'] = '{= hostname =}';
$config['support_url'] = '';
$config['disabled_actions'] = ['settings.about'];
$config['skin'] = 'elastic';
// The browser checks the spelling; no text goes to a service (the default).
$config['enable_spellcheck'] = false;
// Archive folder, filters, Junk (Dovecot teaches the spam filter when a message is moved), new passwords.
// https://github.com/roundcube/roundcubemail/tree/master/plugins
$config['plugins'] = ['archive', 'managesieve', 'markasjunk', 'password'{= more =}];

//// New passwords (plugins/password)

// Roundcube makes the hash (Argon2id, 64 MB and 3 rounds, as Dovecot writes it), and a procedure that can do nothing else
// puts it into the accounts. The current password is asked for (the default).
// https://doc.dovecot.org/2.4.1/core/config/auth/schemes.html
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
