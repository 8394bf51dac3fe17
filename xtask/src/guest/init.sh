#!/guest/busybox sh
# The guest's first and only service: mounts, modules, the program, power off.
# The kernel's console is the first serial line; what the program says goes over the second.
/guest/busybox mkdir -p /proc /sys /dev /run /tmp /root /guest/bin
/guest/busybox mount -t proc proc /proc
/guest/busybox --install -s /guest/bin
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/guest/bin HOME=/root TERM=dumb

mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security
ip link set lo up
hostname guest
ulimit -n 65536

for module in /guest/modules/*.ko; do
    [ -e "$module" ] && insmod "$module"
done

# A file system on a device, as most files of a host are on: with attributes of users, and times to the nanosecond.
export TMPDIR=/scratch
mkdir $TMPDIR
truncate -s 1G /guest/disk
if losetup /dev/loop0 /guest/disk && mke2fs -F -I 256 /dev/loop0 >/dev/null 2>&1; then
    mount -t ext4 /dev/loop0 $TMPDIR || mount -t ext2 /dev/loop0 $TMPDIR
fi
chmod 1777 /tmp /dev/shm $TMPDIR

stty -F /dev/ttyS1 raw
echo "guest: up" >/dev/ttyS1
cd /root
setsid sh /guest/run </dev/null >/dev/ttyS1 2>&1
echo "guest: exit $?" >/dev/ttyS1
sync
poweroff -f
