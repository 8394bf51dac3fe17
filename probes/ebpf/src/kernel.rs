//! Reads of kernel and user memory. A read that fails gives zero, as the kernel leaves the destination then.

use core::{ffi::c_void, mem::MaybeUninit};

use aya_ebpf::helpers::generated;

/// A value of kernel memory.
#[inline(always)]
pub fn read<T: Copy>(address: u64) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the helper writes the whole value, or zeroes, and checks the source itself.
    unsafe {
        generated::bpf_probe_read_kernel(value.as_mut_ptr().cast(), size_of::<T>() as u32, address as *const c_void);
        value.assume_init()
    }
}

/// Copies `SIZE` bytes of kernel memory.
///
/// # Safety
///
/// `to` must be writable for `SIZE` bytes, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn copy<const SIZE: usize>(to: *mut u8, address: u64) {
    // SAFETY: by this function's own contract.
    unsafe { generated::bpf_probe_read_kernel(to.cast(), SIZE as u32, address as *const c_void) };
}

/// Copies a kernel string of at most `size` bytes with its NUL; gives the bytes written, or a negative errno.
///
/// # Safety
///
/// `to` must be writable for `size` bytes, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn copy_string(to: *mut u8, size: u32, address: u64) -> i64 {
    // SAFETY: by this function's own contract.
    unsafe { generated::bpf_probe_read_kernel_str(to.cast(), size, address as *const c_void) as i64 }
}

/// Like [`copy_string`], from user memory.
///
/// # Safety
///
/// `to` must be writable for `size` bytes, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn copy_user_string(to: *mut u8, size: u32, address: u64) -> i64 {
    // SAFETY: by this function's own contract.
    unsafe { generated::bpf_probe_read_user_str(to.cast(), size, address as *const c_void) as i64 }
}

/// Copies `size` bytes of user memory; gives 0, or a negative errno.
///
/// # Safety
///
/// `to` must be writable for `size` bytes, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn copy_user(to: *mut u8, size: u32, address: u64) -> i64 {
    // SAFETY: by this function's own contract.
    unsafe { generated::bpf_probe_read_user(to.cast(), size, address as *const c_void) as i64 }
}

/// A value of user memory, or none where it can't be read.
#[inline(always)]
pub fn read_user<T: Copy>(address: u64) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the helper writes the whole value, or zeroes, and checks the source itself.
    unsafe {
        let failed =
            generated::bpf_probe_read_user(value.as_mut_ptr().cast(), size_of::<T>() as u32, address as *const c_void);
        if failed == 0 { Some(value.assume_init()) } else { None }
    }
}

/// `value & 0x3fff`, in an instruction that the compiler can't reason away and the verifier sees.
#[inline(always)]
pub fn below_16_kib(value: u64) -> u64 {
    let mut value = value;
    // SAFETY: arithmetic on one register.
    unsafe { core::arch::asm!("{0} &= 16383", inout(reg) value, options(pure, nomem, nostack)) };
    value
}

/// The task that runs, a `task_struct`.
#[inline(always)]
pub fn current() -> u64 {
    // SAFETY: no arguments.
    unsafe { generated::bpf_get_current_task() }
}
