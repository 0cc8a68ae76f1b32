# Runs in a copy of a base image: what a server with a kernel of its own has besides.
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends e2fsprogs kmod udev
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /etc/resolv.conf
