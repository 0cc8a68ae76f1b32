<?php
// Managed by mailwiz-tui: the next apply writes this file again.
// Own settings: /etc/mailwiz/local.d/postfixadmin.php, read last, so they win ($CONF['…'] = …;).
// Every setting is explained in /etc/postfixadmin/config.inc.php.
$CONF['configured'] = true;
$CONF['setup_password'] = '';

{= connection =}
$CONF['database_password'] = '';
$CONF['database_name'] = '{= database =}';

// Hashes as Dovecot makes and checks them, so that each knows the other's. It may neither read the configuration nor
// reach the statistics: whatever it complains of, PostfixAdmin takes for a failure.
$CONF['encrypt'] = 'dovecot:{= scheme =}';
$CONF['dovecotpw'] = '/usr/bin/doveadm -O -o stats_writer_socket_path= pw';
$CONF['password_validation'] = ['/.{{= shortest =}}/' => 'password_too_short {= shortest =}'];
$CONF['generate_password'] = 'NO';
$CONF['show_password'] = 'NO';
$CONF['password_expiration'] = 'NO';
$CONF['forgotten_admin_password_reset'] = false;
$CONF['forgotten_user_password_reset'] = false;

$CONF['admin_email'] = '{= postmaster =}';
$CONF['admin_name'] = 'Postmaster';
$CONF['smtp_server'] = 'localhost';
$CONF['smtp_port'] = '{= mail_port =}';
$CONF['smtp_client'] = '{= hostname =}';
$CONF['welcome_text'] = "Welcome: this mailbox is ready.\n";
$CONF['emailcheck_resolve_domain'] = 'NO';
$CONF['domain_path'] = 'YES';
$CONF['domain_in_mailbox'] = 'NO';
$CONF['default_aliases'] = [
{= aliases =}
];
$CONF['transport_default'] = 'virtual';

// Quotas in bytes, and how full mailboxes are as Dovecot counts it
$CONF['quota'] = 'YES';
$CONF['domain_quota'] = 'NO';
$CONF['quota_multiplier'] = '1048576';
$CONF['used_quotas'] = 'YES';
$CONF['new_quota_table'] = 'YES';
$CONF['aliases'] = '0';
$CONF['mailboxes'] = '0';
$CONF['maxquota'] = '0';

// Filters are made in webmail; nothing here can read or copy the database
$CONF['vacation'] = 'NO';
$CONF['fetchmail'] = 'NO';
$CONF['backup'] = 'NO';
$CONF['xmlrpc_enabled'] = false;
$CONF['show_footer_text'] = 'NO';
$CONF['user_footer_link'] = '{= url =}users/login.php';
$CONF['footer_text'] = '{= hostname =}';
$CONF['footer_link'] = '{= url =}';

// New mailboxes and aliases have names that every program here can store and route. The panel knows no setting for
// that, so a name that does not fit is made one that it refuses itself, and the reason is shown beside.
if (($_SERVER['REQUEST_METHOD'] ?? '') === 'POST' && preg_match('#/edit\.php$#', $_SERVER['SCRIPT_NAME'] ?? '')) {
    foreach (['local_part', 'localpart'] as $field) {
        $name = $_POST['value'][$field] ?? '';
        if (is_string($name) && $name !== '' && $name !== '*' && (strlen($name) > 64 || !preg_match('{= grammar =}', $name))) {
            $_SESSION['flash']['error'][] = 'Before the @ only letters, digits, dots and {= special =} are possible.';
            $_POST['value'][$field] = "($name)";
        }
    }
}
{= changed =}
if (is_readable('/etc/mailwiz/local.d/postfixadmin.php')) {
    include '/etc/mailwiz/local.d/postfixadmin.php';
}
