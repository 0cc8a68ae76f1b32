# Runs over a base image: adds what the lab's own internet consists of.
set -e
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
    knot knot-dnsutils unbound dns-root-data apt-cacher-ng postfix swaks libnet-ssleay-perl libnet-dns-perl pebble openssl curl
rm /usr/sbin/policy-rc.d
apt-get clean
rm -rf /var/lib/apt/lists/*
rm -f /etc/unbound/unbound.conf.d/*.conf
grep -v '^;' /usr/share/dns/root.hints | awk '$3 == "A" || $3 == "AAAA" { print $4 }' > /usr/share/dns/root.addresses
mkdir -p /var/lib/knot/keys
for zone in {{zones}}; do
    keymgr -D /var/lib/knot/keys "$zone" generate algorithm=ECDSAP256SHA256 ksk=yes zsk=yes
    keymgr -D /var/lib/knot/keys "$zone" ds | awk '$5 == 2' >> /usr/share/dns/delegations
done
keymgr -D /var/lib/knot/keys . dnskey | sed "s/ DNSKEY / IN DNSKEY /" > /usr/share/dns/root.key
grep '^\. ' /usr/share/dns/delegations > /usr/share/dns/root.ds
chown -R knot:knot /var/lib/knot/keys
useradd --system --uid 5000 --no-create-home --home-dir /var/mail/outside letters
install -d -o letters -g letters -m 700 /var/mail/outside
systemctl mask ssh.service ssh.socket
systemctl enable pebble.service
