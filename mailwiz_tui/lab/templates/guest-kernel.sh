# Runs in a copy of a base image: builds the kernel of the lab's kernel hosts, and leaves it and its modules in /out.
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends bc bison flex gcc kmod libc6-dev linux-source-6.1 make xz-utils
mkdir /usr/src/linux
cd /usr/src/linux
tar -xJf /usr/src/linux-source-6.1.tar.xz --strip-components=1
make -s ARCH=um x86_64_defconfig
scripts/kconfig/merge_config.sh -m .config /usr/src/lab.config
make -s ARCH=um olddefconfig
for wanted in $(sed -n 's/^\(CONFIG_[A-Z0-9_]*=[ym]\)$/\1/p' /usr/src/lab.config); do
    grep -q "^${wanted%=?}=" .config || { echo "the kernel's sources do not know $wanted"; exit 1; }
done
make -s -j"$(nproc)" ARCH=um linux modules
make -s ARCH=um INSTALL_MOD_PATH=/out/usr INSTALL_MOD_STRIP=1 modules_install
rm -f /out/usr/lib/modules/*/build /out/usr/lib/modules/*/source
mkdir -p /out/boot
strip -o /out/boot/linux.uml linux
