//! From a kernel path (mount and dentry) to a walked path.

use taffrail_probes_abi::{WalkedPath, header_flags::PATH_CUT};

use crate::{
    globals::offset,
    kernel::{current, read, store},
    record::Strings,
};

/// The longest name of a directory entry, and its NUL.
const COMPONENT_BYTES: usize = 256;

/// Words of a short name that the dentry itself holds (`DNAME_INLINE_LEN` is 40 at most).
const INLINE_WORDS: usize = 5;

/// Adds the walked path of the `struct path` at `address` and gives its bytes. Where it was cut, the record says so.
#[inline(never)]
pub fn walk_at(strings: Strings, address: u64) -> u64 {
    walk(strings, read(address + offset!(path_mnt)), read(address + offset!(path_dentry)))
}

/// Adds the walked path of a mount (a `vfsmount`) and a dentry and gives its bytes.
#[inline(never)]
pub fn walk(strings: Strings, mnt: u64, mut dentry: u64) -> u64 {
    let first = strings.len();
    let mut at = mnt.wrapping_sub(offset!(mount_mnt));
    let mut mount = Mount::load(at);
    // Counts mount points as well as components.
    for _ in 0..WalkedPath::COMPONENTS_MAX {
        if dentry == 0 {
            return strings.len() - first;
        }
        if dentry == mount.root {
            if mount.parent == at || mount.parent == 0 {
                return strings.len() - first;
            }
            dentry = mount.point;
            at = mount.parent;
            mount = Mount::load(at);
            continue;
        }
        if strings.len() - first >= (WalkedPath::BYTES_MAX - COMPONENT_BYTES) as u64 {
            break;
        }
        let (parent, named) = push_name(strings, dentry);
        if parent == dentry {
            // A file that is in no directory: a memfd has a name, a pipe or socket has that of its file system.
            if named == 0 {
                let kind: u64 = read(read::<u64>(dentry + offset!(dentry_sb)) + offset!(super_block_type));
                strings.push_component::<COMPONENT_BYTES>(read(kind + offset!(file_system_type_name)));
            }
            return strings.len() - first;
        }
        dentry = parent;
    }
    strings.flag(PATH_CUT);
    strings.len() - first
}

/// Whether a mount (a `vfsmount`) is of another mount namespace than the running task's. One that is in none, as a
/// memfd's, is not.
#[inline(always)]
pub fn is_elsewhere(mnt: u64) -> bool {
    let namespace: u64 = read(mnt.wrapping_sub(offset!(mount_mnt)) + offset!(mount_ns));
    let own = match current().follow(offset!(task_nsproxy)) {
        Some(nsproxy) => nsproxy.at(offset!(nsproxy_mnt)),
        None => 0,
    };
    // The kernel's own mounts carry an error value (`MNT_NS_INTERNAL`).
    namespace != 0 && namespace < u64::MAX - 4095 && own != 0 && namespace != own
}

struct Mount {
    parent: u64,
    point: u64,
    /// Root dentry.
    root: u64,
}

// A read costs the same for 8 bytes and for 72: neighbours are read as one. The verifier knows the offsets and keeps
// the branch that is taken.

impl Mount {
    #[inline(always)]
    fn load(at: u64) -> Mount {
        let root = offset!(mount_mnt) + offset!(vfsmount_root);
        if offset!(mount_mountpoint) == offset!(mount_parent) + 8 && root == offset!(mount_parent) + 16 {
            let [parent, point, root]: [u64; 3] = read(at + offset!(mount_parent));
            return Mount { parent, point, root };
        }
        Mount {
            parent: read(at + offset!(mount_parent)),
            point: read(at + offset!(mount_mountpoint)),
            root: read(at + root),
        }
    }
}

/// Adds the name of a dentry; gives the dentry's parent and the bytes added.
#[inline(always)]
fn push_name(strings: Strings, dentry: u64) -> (u64, u64) {
    let together = offset!(dentry_name) == offset!(dentry_parent) + 16
        && offset!(dentry_name_len) == offset!(dentry_parent) + 12
        && offset!(dentry_inline) == offset!(dentry_parent) + 32;
    if !together {
        let name: u64 = read(dentry + offset!(dentry_name));
        return (read(dentry + offset!(dentry_parent)), strings.push_component::<COMPONENT_BYTES>(name));
    }
    // parent, hash and length, name, inode, short name
    let words: [u64; 4 + INLINE_WORDS] = read(dentry + offset!(dentry_parent));
    let len = words[1] >> 32;
    if words[2] != dentry + offset!(dentry_inline) || len >= (INLINE_WORDS * 8) as u64 {
        return (words[0], strings.push_component::<COMPONENT_BYTES>(words[2]));
    }
    // The root of a file system is called "/", which is no component.
    if len == 0 {
        return (words[0], 0);
    }
    let end = strings.end();
    // SAFETY: `end` has room for more than these words.
    unsafe {
        store(end, words[4]);
        store(end.add(8), words[5]);
        store(end.add(16), words[6]);
        store(end.add(24), words[7]);
        store(end.add(32), words[8]);
    }
    strings.grow(len + 1);
    (words[0], len + 1)
}
