//! System calls as they are, where no library would make them so.

use std::ffi::{CStr, CString};
use std::os::fd::AsRawFd;

use nix::{
    libc,
    sys::wait::{WaitStatus, waitpid},
    unistd::{ForkResult, fork},
};

/// An argument of a system call: a number, or something in memory that lives longer than the call.
pub trait Argument {
    fn raw(&self) -> u64;
}

macro_rules! numbers {
    ($($ty:ty),*) => {
        $(impl Argument for $ty {
            #[allow(clippy::cast_sign_loss, clippy::cast_lossless, reason = "a register has no sign")]
            fn raw(&self) -> u64 {
                *self as u64
            }
        })*
    };
}

numbers!(i32, u32, i64, u64, usize);

macro_rules! in_memory {
    ($($ty:ty),*) => {
        $(impl Argument for $ty {
            fn raw(&self) -> u64 {
                self.as_ptr() as u64
            }
        })*
    };
}

in_memory!(&CStr, CString, &[u8], &mut [u8], &[u32], &[u64]);

impl<const N: usize> Argument for [u8; N] {
    fn raw(&self) -> u64 {
        self.as_ptr() as u64
    }
}

impl Argument for std::fs::File {
    fn raw(&self) -> u64 {
        self.as_raw_fd().raw()
    }
}

/// Makes a system call; gives its result, or the errno as a negative number.
pub fn call(nr: impl Into<i64>, arguments: &[&dyn Argument]) -> i64 {
    let mut args = [0; 6];
    for (arg, given) in args.iter_mut().zip(arguments) {
        *arg = given.raw();
    }
    #[expect(unsafe_code, reason = "the tests make calls that no library makes")]
    // SAFETY: what is in memory is borrowed as long as the call lasts, and is as long as the tests say.
    let result = unsafe { libc::syscall(nr.into(), args[0], args[1], args[2], args[3], args[4], args[5]) };
    if result == -1 { -i64::from(errno()) } else { result }
}

/// The last error of this thread.
pub fn errno() -> i32 {
    nix::errno::Errno::last_raw()
}

/// Runs `action` in a child of its own, waits for it, and gives its pid. The child must end well.
pub fn in_child(action: impl FnOnce()) -> u32 {
    #[expect(unsafe_code, reason = "std makes no processes without a program")]
    // SAFETY: the child goes on with the only thread it has, and leaves without running what the parent registered.
    match unsafe { fork() }.expect("a fork") {
        ForkResult::Child => {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(action));
            // SAFETY: ends the process.
            unsafe { libc::_exit(i32::from(done.is_err())) }
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None).expect("its end"), WaitStatus::Exited(child, 0));
            child.as_raw().unsigned_abs()
        }
    }
}
