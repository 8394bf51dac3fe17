//! Reads of kernel and user memory. A read that fails gives zero, as the kernel leaves the destination then.
//!
//! A helper call costs some 40 ns whatever it reads. So what hangs on the running task is read through typed pointers,
//! as plain loads, and neighbouring fields are read as one [`Block`].

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

/// Like [`copy_string`], from user memory. Of an empty string older kernels say that they wrote nothing, not even its NUL.
///
/// # Safety
///
/// `to` must be writable for `size` bytes, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn copy_user_string(to: *mut u8, size: u32, address: u64) -> i64 {
    // SAFETY: by this function's own contract.
    let written = unsafe { generated::bpf_probe_read_user_str(to.cast(), size, address as *const c_void) as i64 };
    if written == 0 { 1 } else { written }
}

/// Copies `size` bytes of kernel memory; gives 0, or a negative errno.
///
/// # Safety
///
/// `to` must be writable for `size` bytes, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn copy_bytes(to: *mut u8, size: u32, address: u64) -> i64 {
    // SAFETY: by this function's own contract.
    unsafe { generated::bpf_probe_read_kernel(to.cast(), size, address as *const c_void) as i64 }
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

/// `value & 0xfff`, likewise.
#[inline(always)]
pub fn below_4_kib(value: u64) -> u64 {
    let mut value = value;
    // SAFETY: arithmetic on one register.
    unsafe { core::arch::asm!("{0} &= 4095", inout(reg) value, options(pure, nomem, nostack)) };
    value
}

/// Stores a word at any alignment, which the compiler would do byte by byte.
///
/// # Safety
///
/// `to` must be writable for eight bytes, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn store(to: *mut u8, value: u64) {
    // SAFETY: by this function's own contract.
    unsafe { core::arch::asm!("*(u64 *)({0} + 0) = {1}", in(reg) to, in(reg) value) };
}

/// A pointer whose struct the verifier knows from the kernel's BTF: fields are plain loads. A load from memory that is
/// gone gives zero.
#[derive(Clone, Copy)]
pub struct Typed(*const u8);

impl Typed {
    /// A typed argument of a typed tracepoint.
    #[inline(always)]
    pub fn argument(address: *const u8) -> Typed {
        Typed(address)
    }

    /// The field at an offset, which the verifier must know as a constant.
    #[inline(always)]
    pub fn at<T: Copy>(self, offset: u64) -> T {
        // SAFETY: the verifier checks that a field of this size is at the offset.
        unsafe { self.0.add(offset as usize).cast::<T>().read_volatile() }
    }

    /// The struct that the pointer at an offset leads to.
    #[inline(always)]
    pub fn follow(self, offset: u64) -> Option<Typed> {
        let next: *const u8 = self.at(offset);
        if next.is_null() { None } else { Some(Typed(next)) }
    }

    /// Like [`Typed::follow`], of a pointer that the verifier lets pass unlooked at: behind a null one all is zero. One
    /// branch less, and half the paths for the verifier.
    #[inline(always)]
    pub fn beyond(self, offset: u64) -> Typed {
        Typed(self.at(offset))
    }

    /// The address as a number.
    #[inline(always)]
    pub fn address(self) -> u64 {
        self.0 as u64
    }
}

/// The task that runs, a `task_struct`. Typed since Linux 5.11.
#[inline(always)]
pub fn current() -> Typed {
    // SAFETY: no arguments.
    Typed(unsafe { generated::bpf_get_current_task_btf() }.cast())
}

/// The beginning of a kernel struct, read as one.
pub struct Block<const WORDS: usize> {
    address: u64,
    words: [u64; WORDS],
}

impl<const WORDS: usize> Block<WORDS> {
    /// Reads it to where it is to stay: a copy would take stack of its own.
    ///
    /// # Safety
    ///
    /// `place` must be writable, in a way that the verifier sees.
    #[inline(always)]
    pub unsafe fn load(place: *mut Block<WORDS>, address: u64) {
        // SAFETY: by this function's own contract; the helper writes all words, or zeroes, and checks the source itself.
        unsafe {
            (&raw mut (*place).address).write(address);
            let words = (&raw mut (*place).words).cast();
            generated::bpf_probe_read_kernel(words, (WORDS * 8) as u32, address as *const c_void);
        }
    }

    /// The field at an offset: out of the block, or of kernel memory where it lies behind.
    #[inline(always)]
    pub fn at<T: Copy>(&self, offset: u64) -> T {
        if offset + size_of::<T>() as u64 <= (WORDS * 8) as u64 {
            // SAFETY: within the array; a field of the kernel is aligned as its type is.
            return unsafe { self.words.as_ptr().cast::<u8>().add(offset as usize).cast::<T>().read_volatile() };
        }
        read(self.address + offset)
    }
}
