# Managed by mailwiz-tui: the next apply writes this file again.
# Runs when a user moves a message out of Junk. Own rules: a sieve_script in /etc/dovecot/mailwiz.d/.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

if environment :matches "imap.mailbox" "*" {
    set "mailbox" "${1}";
}
if string :is "${mailbox}" ["Trash", "Junk"] {
    stop;
}
pipe :copy :try "learn-ham";
