//! Programs run, processes made, processes ended.

use crate::act::{Act, Args, Told, c};
use crate::sys::{self, nr};
use std::arch::asm;
use std::ffi::{CStr, CString};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Barrier;

pub const ACTS: &[Act] = &[
    ("fork-exit", fork_exit),
    ("vfork-exec", vfork_exec),
    ("threads", threads),
    ("newns", newns),
    ("double-fork", double_fork),
    ("script", script),
    ("exec-env", exec_env),
    ("marker", marker),
];

/// This program's own file.
pub const SELF: &CStr = c"/proc/self/exe";

/// Strings as `execve` takes them.
pub struct Strings {
    _owned: Vec<CString>,
    pointers: Vec<usize>,
}

impl Strings {
    pub fn new(strings: &[&str]) -> io::Result<Self> {
        let owned = strings.iter().map(|one| CString::new(*one).map_err(io::Error::other));
        let owned: Vec<CString> = owned.collect::<io::Result<_>>()?;
        let pointers = owned.iter().map(|one| one.as_ptr() as usize).chain([0]).collect();
        Ok(Self { _owned: owned, pointers })
    }

    /// The array of pointers, ended by a null one.
    pub fn address(&self) -> usize {
        self.pointers.as_ptr() as usize
    }
}

/// Becomes another program; comes back with a negative errno where that failed.
pub fn execve(path: &CStr, args: &Strings, environment: &Strings) -> isize {
    // SAFETY: the path ends with a NUL, both arrays with a null pointer, and all outlive the call.
    unsafe { sys::call(nr::EXECVE, [path.as_ptr() as usize, args.address(), environment.address()]) }
}

/// Becomes the program behind a descriptor; comes back with a negative errno where that failed.
pub fn execve_at(fd: usize, path: &CStr, args: &Strings, environment: &Strings, flags: usize) -> isize {
    let given = [fd, path.as_ptr() as usize, args.address(), environment.address(), flags];
    // SAFETY: as for `execve`.
    unsafe { sys::call(nr::EXECVEAT, given) }
}

/// Runs a program in a child process and waits; gives its pid and exit code.
pub fn run(path: &CStr, args: &[&str]) -> io::Result<(usize, i32)> {
    let (args, environment) = (Strings::new(args)?, Strings::new(&[])?);
    let pid = sys::fork(|| {
        execve(path, &args, &environment);
        127
    })?;
    Ok((pid, sys::code(pid)?))
}

/// The file that this program was started from.
pub fn own_path() -> io::Result<CString> {
    c(std::env::current_exe()?)
}

/// A child that ends with code 7.
fn fork_exit(_: &Args) -> Told {
    let pid = sys::fork(|| 7)?;
    Ok(format!("pid={pid} code={}", sys::code(pid)?))
}

/// A child that shares its parent's memory until it has become another program.
fn vfork_exec(_: &Args) -> Told {
    let path = own_path()?;
    let (args, environment) = (Strings::new(&["workloads", "marker"])?, Strings::new(&[])?);
    let result: isize;
    // SAFETY: between vfork and execve the child runs only the instructions here, which use registers and no stack;
    // what execve reads is valid as in `execve` above, and the parent stands still until the child has become another
    // program or has ended. r12 and r13 are kept by system calls.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, {execve}",
            "mov rdi, {path}",
            "mov rsi, r12",
            "mov rdx, r13",
            "syscall",
            "mov edi, 127",
            "mov eax, {exit_group}",
            "syscall",
            "2:",
            execve = const nr::EXECVE,
            exit_group = const nr::EXIT_GROUP,
            path = in(reg) path.as_ptr(),
            in("r12") args.address(),
            in("r13") environment.address(),
            inlateout("rax") nr::VFORK as isize => result,
            out("rdi") _, out("rsi") _, out("rdx") _, out("rcx") _, out("r11") _,
        );
    }
    let pid = sys::need("vfork", result)?;
    Ok(format!("pid={pid} code={}", sys::code(pid)?))
}

/// N threads beside the first, all of them alive at once.
fn threads(args: &Args) -> Told {
    let count = args.number(0)? as usize;
    let all = Barrier::new(count + 1);
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| all.wait());
        }
        all.wait();
    });
    Ok(format!("threads={count}"))
}

/// A child in a UTS namespace of its own, which becomes the marker. Without the privilege only the attempt is left.
fn newns(_: &Args) -> Told {
    const CLONE_NEWUTS: usize = 0x0400_0000;
    const SIGCHLD: usize = 17;
    let (mut told, mut tell) = io::pipe()?;
    let (path, args, environment) = (own_path()?, Strings::new(&["workloads", "marker"])?, Strings::new(&[])?);
    // Without CLONE_VM and a stack of its own this is a fork.
    let result = sys::plain(nr::CLONE, [CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0]);
    if result == 0 {
        let said = uts().is_ok_and(|uts| tell.write_all(uts.as_bytes()).is_ok());
        drop(tell);
        if said {
            execve(&path, &args, &environment);
        }
        sys::leave(127);
    }
    drop(tell);
    if result < 0 {
        return Ok(format!("result={result} own_uts={}", uts()?));
    }
    let mut child = String::new();
    told.read_to_string(&mut child)?;
    let code = sys::code(result as usize)?;
    Ok(format!("result=0 own_uts={} uts={child} code={code}", uts()?))
}

/// The number of this process's UTS namespace.
fn uts() -> io::Result<String> {
    let link = std::fs::read_link("/proc/self/ns/uts")?;
    Ok(link.to_string_lossy().chars().filter(char::is_ascii_digit).collect())
}

/// A grandchild whose parent ends first; the orphan makes the file given and ends.
fn double_fork(args: &Args) -> Told {
    let path = args.text(0)?;
    let (mut told, mut tell) = io::pipe()?;
    let first = sys::fork(|| {
        let parent = std::process::id();
        let second = sys::fork(|| {
            while std::os::unix::process::parent_id() == parent {
                std::thread::yield_now();
            }
            let done = std::fs::write(path, "orphan\n").is_ok();
            u8::from(!done || write!(tell, "{}", std::process::id()).is_err())
        });
        u8::from(second.is_err())
    })?;
    let code = sys::code(first)?;
    drop(tell);
    let mut orphan = String::new();
    told.read_to_string(&mut orphan)?;
    if code != 0 || orphan.is_empty() {
        return Err(io::Error::other("the orphan could not write its file"));
    }
    Ok(format!("path={path} parent={first} orphan={orphan}"))
}

/// Writes a script into the directory given, whose interpreter is this program, and runs it.
fn script(args: &Args) -> Told {
    let path = args.below("script.sh")?;
    let own = std::env::current_exe()?;
    std::fs::write(&path, format!("#!{} marker\n", own.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    let (pid, code) = run(&c(&path)?, &["script.sh", "argument"])?;
    Ok(format!("script={} pid={pid} code={code}", path.display()))
}

/// Becomes the marker with an environment of which one variable is a secret.
fn exec_env(_: &Args) -> Told {
    let environment = [
        "PATH=/bin",
        "SECRET_TOKEN=swordfish-7731",
        "KUBERNETES_EXEC_AUDIT_ID=0e6c1f6e-1d6e-4f0a-9d57-6d7c3f0a9b11",
        "LD_PRELOAD=/tmp/evil.so",
    ];
    let result = execve(
        &own_path()?,
        &Strings::new(&["workloads", "marker", "with-environment"])?,
        &Strings::new(&environment)?,
    );
    Err(io::Error::from_raw_os_error(-result as i32))
}

/// Nothing but a program that ran. It lives a moment: what is gone at once leaves no content to look at.
fn marker(_: &Args) -> Told {
    std::thread::sleep(std::time::Duration::from_millis(100));
    Ok(format!("marker pid={}", std::process::id()))
}
