//! The kernel programs. They see, copy and send; what it means is the host's work.
//!
//! ```text
//! sys_exit  every system call passes here: what is wanted goes to its family
//! hooks/    one file a family: what happened, into a record
//! level     what is recorded of whom     header   who and when
//! path, descriptor, socket               kernel objects into strings and addresses
//! record    a record with strings, built in per-CPU memory
//! output    ring buffers, shares of them, and counters of refusal
//! ```
//!
//! All programs that must be there are tracepoints or on packets, which attach where trampolines are refused; those on
//! functions ([`hooks::named`]) only make the names of files surer. They read kernel memory at the offsets that the host
//! put into [`globals::OFFSETS`], so one object runs on many kernels. Minimum kernel: 5.11.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod descriptor;
mod globals;
mod header;
mod hooks;
mod kernel;
mod level;
mod output;
mod path;
mod record;
mod socket;
mod sys_exit;

/// Programs can't panic: the verifier would refuse the call. This satisfies the compiler.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel lets only programs that declare a GPL-compatible licence read its memory.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";
