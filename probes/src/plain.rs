//! Values whose every bit pattern is valid and which have no padding: the bridge between bytes and the ABI's structs.

use taffrail_probes_abi::{
    Header,
    call::{Call, Completed},
    cgroup::{Attach, Cgroup},
    io::{Descriptor, DescriptorKey, Hello, Session, Terminal, Totals, Use},
    level::Settings,
    network::{Dns, Flow, UdpFlow, UdpKey},
    offsets::Offsets,
    process::{Credentials, Exec, Exit, Fork, Thread},
    syscall::Syscall,
};

/// A `repr(C)` struct of integers and arrays of them, without padding.
///
/// # Safety
///
/// Every bit pattern of the type's size is a valid value, and no byte of a value is padding.
#[expect(unsafe_code, reason = "the promise that makes reading bytes as a struct sound")]
pub unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($ty:ty),* $(,)?) => {
        $(
            // SAFETY: repr(C), integer and integer array fields only, padding written out as `pad` fields; the
            // ABI crate asserts each size to be the sum of its fields.
            #[expect(unsafe_code, reason = "see the trait")]
            unsafe impl Plain for $ty {}
        )*
    };
}

plain!(
    Header,
    Exec,
    Fork,
    Exit,
    Thread,
    Credentials,
    Call,
    Completed,
    Flow,
    UdpKey,
    UdpFlow,
    Dns,
    Use,
    Totals,
    Terminal,
    Hello,
    Descriptor,
    DescriptorKey,
    Session,
    Syscall,
    Cgroup,
    Attach,
    Settings,
    Offsets,
);

/// Copies a value out of the first bytes of `bytes`; none where there are too few.
pub fn read<T: Plain>(bytes: &[u8]) -> Option<T> {
    let bytes = bytes.get(..size_of::<T>())?;
    // SAFETY: the slice holds `size_of::<T>()` bytes, the read is unaligned, and `Plain` makes any of them a value.
    #[expect(unsafe_code, reason = "a checked copy of plain bytes")]
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// The bytes of a value.
pub fn bytes_of<T: Plain>(value: &T) -> &[u8] {
    // SAFETY: `value` is readable for its size, `Plain` rules out padding, and the borrow lasts as long as the value's.
    #[expect(unsafe_code, reason = "a plain value is its bytes")]
    unsafe {
        core::slice::from_raw_parts(core::ptr::from_ref(value).cast::<u8>(), size_of::<T>())
    }
}
