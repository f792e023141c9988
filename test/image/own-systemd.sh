#!/bin/bash
# A systemd of its own, in namespaces of its own, over an unpacked image: own-systemd.sh FOLDER
# FOLDER/image is the image; FOLDER/share is seen inside at the same path, and is where the units' output goes. This machine's programs lie below the image's
# files and are not written to. Its own units are the image's, and the targets that every systemd has; nothing of this
# machine is started. To be run as root by: unshare --pid --fork --mount --cgroup --ipc --uts --kill-child, on a terminal.
set -eu
folder=$1
console=$(tty)
units=/usr/lib/systemd/system
new=$folder/new
mount --make-rprivate /
mkdir -p "$new"
mount -t tmpfs none "$new"
mkdir -p "$new"/{usr,etc/moult,var/lib,run,proc,sys,dev,tmp,root,units,old,layer/upper,layer/work}
mount -t overlay overlay -o "lowerdir=$folder/image/usr:/usr,upperdir=$new/layer/upper,workdir=$new/layer/work" "$new/usr"
for name in bin sbin lib lib64; do ln -s "usr/$name" "$new/$name"; done
cp -a "$folder/image/etc/moult/." "$new/etc/moult"
printf 'root:x:0:0::/root:/bin/sh\nmoult:x:900:900::/var/lib/moult:/bin/sh\n' > "$new/etc/passwd"
printf 'root:x:0:\nmoult:x:900:\n' > "$new/etc/group"
echo 11111111111111111111111111111111 > "$new/etc/machine-id"
cp "$folder/image$units"/moult* "$new/units/"
for name in sysinit basic shutdown umount final multi-user timers paths sockets slices local-fs local-fs-pre network; do
  cp "$units/$name.target" "$new/units/"
done
mkdir "$new/units/multi-user.target.wants" "$new/units/moult.service.d" "$new/units/moult-first-boot.service.d"
ln -s ../moult.service "$new/units/multi-user.target.wants/"
for name in moult moult-first-boot; do
  printf '[Service]\nStandardOutput=append:%s\nStandardError=append:%s\n' "$folder/share/$name.log" "$folder/share/$name.log" \
    > "$new/units/$name.service.d/log.conf"
done
mount -t proc proc "$new/proc"
mount -t tmpfs none "$new/run"
mount -t tmpfs none "$new/tmp"
mount -t tmpfs none "$new/dev"
for name in null zero full random urandom tty; do
  touch "$new/dev/$name"
  mount --bind "/dev/$name" "$new/dev/$name"
done
mkdir "$new/dev/pts" "$new/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 none "$new/dev/pts"
ln -s pts/ptmx "$new/dev/ptmx"
ln -s /proc/self/fd "$new/dev/fd"
touch "$new/dev/console"
mount --bind "$console" "$new/dev/console"
mount -t sysfs -o ro sysfs "$new/sys"
mount -t cgroup2 none "$new/sys/fs/cgroup"
mkdir -p "$new$folder/share"
mount --bind "$folder/share" "$new$folder/share"
cd "$new"
pivot_root . old
umount -l /old
exec /usr/bin/env -i PATH=/usr/bin:/usr/sbin container=test SYSTEMD_UNIT_PATH=/units \
  /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=no
