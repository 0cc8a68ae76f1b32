<?php
// Managed by mailwiz-tui: the next apply writes this file again.
// Own settings: /etc/mailwiz/local.d/postfixadmin.php, read last, so they win ($CONF['…'] = …;).
//
// PostfixAdmin (admin panel). A setting that is not here has Debian's value: /etc/postfixadmin/config.inc.php explains
// all of them. https://github.com/postfixadmin/postfixadmin/tree/master/DOCUMENTS

// Set up, and setup.php has no password that would open it.
$CONF['configured'] = true;
$CONF['setup_password'] = '';

{= connection =}
$CONF['database_password'] = '';
$CONF['database_name'] = '{= database =}';

// Passwords: Dovecot makes and verifies the hashes (default: MD5), so that both programs accept the same ones. doveadm
// neither reads its configuration (-O) nor writes statistics: PostfixAdmin treats each of its warnings as an error.
// doveadm-pw(1)
$CONF['encrypt'] = 'dovecot:{= scheme =}';
$CONF['dovecotpw'] = '/usr/bin/doveadm -O -o stats_writer_socket_path= pw';
$CONF['password_validation'] = ['/.{{= shortest =}}/' => 'password_too_short {= shortest =}'];
// The length alone counts (default: letters and digits too). No password is generated, shown, expires, or is reset by
// mail.
$CONF['generate_password'] = 'NO';
$CONF['show_password'] = 'NO';
$CONF['password_expiration'] = 'NO';
$CONF['forgotten_admin_password_reset'] = false;
$CONF['forgotten_user_password_reset'] = false;

// Mail of the panel: as the postmaster, through Postfix on this host.
$CONF['admin_email'] = '{= postmaster =}';
$CONF['admin_name'] = 'Postmaster';
$CONF['smtp_server'] = 'localhost';
$CONF['smtp_port'] = '{= mail_port =}';
$CONF['smtp_client'] = '{= hostname =}';
$CONF['welcome_text'] = "Welcome: this mailbox is ready.\n";
// A domain can be added before the DNS has it (default: not).
$CONF['emailcheck_resolve_domain'] = 'NO';
// The folder of a mailbox: domain/user, the defaults; Dovecot's mail_home is the same.
$CONF['domain_path'] = 'YES';
$CONF['domain_in_mailbox'] = 'NO';
// The addresses that each domain must have (RFC 2142), made with the domain.
$CONF['default_aliases'] = [
{= aliases =}
];
// Mailboxes of this installation, the default.
$CONF['transport_default'] = 'virtual';

// Quotas for each mailbox (default: none), in MB of 1024 × 1024 bytes, and none for a domain. How full mailboxes are is
// shown from Dovecot's counts (quota2). No limit for the number of aliases and mailboxes, and for quotas (default: 10).
$CONF['quota'] = 'YES';
$CONF['domain_quota'] = 'NO';
$CONF['quota_multiplier'] = '1048576';
$CONF['used_quotas'] = 'YES';
$CONF['new_quota_table'] = 'YES';
$CONF['aliases'] = '0';
$CONF['mailboxes'] = '0';
$CONF['maxquota'] = '0';

// Absences are filters of the user (ManageSieve, webmail), no mail is fetched from elsewhere, nobody can download the
// database or change it by XML-RPC. All of them defaults but one: fetchmail is on.
$CONF['vacation'] = 'NO';
$CONF['fetchmail'] = 'NO';
$CONF['backup'] = 'NO';
$CONF['xmlrpc_enabled'] = false;
$CONF['show_footer_text'] = 'NO';
$CONF['user_footer_link'] = '{= url =}users/login.php';
$CONF['footer_text'] = '{= hostname =}';
$CONF['footer_link'] = '{= url =}';

// New mailboxes and aliases must have names that all programs here can store and route. PostfixAdmin has no setting for
// that, so a name that does not fit is changed into one that it refuses itself, and the reason is shown.
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
