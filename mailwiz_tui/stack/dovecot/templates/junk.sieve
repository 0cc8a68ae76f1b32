# Managed by mailwiz-tui: the next apply writes this file again.
# Own rules of a user: over ManageSieve (port 4190); of the server: a sieve_script in /etc/dovecot/mailwiz.d/.
require ["fileinto", "mailbox"];

if {= spam =} {
    fileinto :create "Junk";
    stop;
}
