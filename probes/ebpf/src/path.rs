//! From a kernel path (mount and dentry) to a walked path.

use taffrail_probes_abi::{WalkedPath, header_flags::PATH_CUT};

use crate::{globals::offset, kernel::read, record::Strings};

/// The longest name of a directory entry, and its NUL.
const COMPONENT_BYTES: usize = 256;

/// Adds the walked path of the `struct path` at `address` and gives its bytes. Where it was cut, the record says so.
#[inline(never)]
pub fn walk(strings: Strings, address: u64) -> u64 {
    let first = strings.len();
    let (mnt, mut dentry) = mount_and_dentry(address);
    let mut mount = mnt.wrapping_sub(offset!(mount_mnt));
    let mut root = root_of(mount);
    // Counts mount points as well as components.
    for _ in 0..WalkedPath::COMPONENTS_MAX {
        if dentry == 0 {
            return strings.len() - first;
        }
        if dentry == root {
            let parent: u64 = read(mount + offset!(mount_parent));
            if parent == mount || parent == 0 {
                return strings.len() - first;
            }
            dentry = read(mount + offset!(mount_mountpoint));
            mount = parent;
            root = root_of(mount);
            continue;
        }
        if strings.len() - first > (WalkedPath::BYTES_MAX - COMPONENT_BYTES) as u64 {
            break;
        }
        let (parent, name) = parent_and_name(dentry);
        let named = strings.push_component::<COMPONENT_BYTES>(name);
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

// A read costs the same for 8 bytes and for 24: neighbours are read as one. The verifier knows the offsets and keeps
// the branch that is taken.

#[inline(always)]
fn mount_and_dentry(path: u64) -> (u64, u64) {
    if offset!(path_dentry) == offset!(path_mnt) + 8 {
        let [mount, dentry]: [u64; 2] = read(path + offset!(path_mnt));
        return (mount, dentry);
    }
    (read(path + offset!(path_mnt)), read(path + offset!(path_dentry)))
}

#[inline(always)]
fn parent_and_name(dentry: u64) -> (u64, u64) {
    if offset!(dentry_name) == offset!(dentry_parent) + 16 {
        let [parent, _, name]: [u64; 3] = read(dentry + offset!(dentry_parent));
        return (parent, name);
    }
    (read(dentry + offset!(dentry_parent)), read(dentry + offset!(dentry_name)))
}

/// The root dentry of a `struct mount`.
#[inline(always)]
fn root_of(mount: u64) -> u64 {
    read(mount + offset!(mount_mnt) + offset!(vfsmount_root))
}
