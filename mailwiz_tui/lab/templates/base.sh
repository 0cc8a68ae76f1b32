# Runs in the fresh root file system of a base image: what a hosting provider's image would hold.
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get -y -qq upgrade
mkdir -p /usr/share/dns
for file in root.key root.ds; do
    dpkg-divert --local --no-rename --divert /usr/share/dns/$file.debian --add /usr/share/dns/$file
done
useradd --create-home --shell /bin/bash --groups sudo admin
echo admin:lab | chpasswd
systemctl enable systemd-networkd
systemctl mask systemd-firstboot.service
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /etc/ssh/ssh_host_* /etc/resolv.conf /etc/hostname
: > /etc/machine-id
