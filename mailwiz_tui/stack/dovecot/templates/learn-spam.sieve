# Managed by mailwiz-tui: the next apply writes this file again.
# Runs when a user moves a message into Junk. Own rules: a sieve_script in /etc/dovecot/mailwiz.d/.
require ["vnd.dovecot.pipe", "copy", "imapsieve"];

pipe :copy :try "learn-spam";
