#!/bin/sh
# Installs and removes a package on a copy of this machine that nobody sees: own-dpkg.sh PACKAGE FOLDER
# The copy is an overlay in a mount namespace; nothing of this machine is written to. To be run as root by:
# unshare --mount --pid --fork --kill-child. Prints what a box's owner would look at; the test compares.
set -eu
package=$1
folder=$2
mount --make-rprivate /
mkdir -p "$folder"
mount -t tmpfs none "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/box"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/box"
mount -t proc proc "$folder/box/proc"
cp "$package" "$folder/box/root/package.deb"
# The package under test may be for another architecture; its libraries are not what is tried here.
chroot "$folder/box" sh -euc '
  dpkg --force-depends --force-architecture -i /root/package.deb > /dev/null 2>&1
  dpkg --verify moult && echo verified
  dpkg --search /usr/lib/moult/launcher.mjs
  mkdir -p /var/lib/moult && touch /var/lib/moult/state /etc/moult/device.yaml
  dpkg --remove moult > /dev/null 2>&1
  ls /usr/lib/moult > /dev/null 2>&1 || echo gone
  ls /var/lib/moult/state /etc/moult/device.yaml'
