//! What an attacker would try against a recorder: other doors into the kernel, arguments that change, programs without
//! a file, names that lie, and too much of everything.

mod doors;
mod entering;
mod floods;
mod hidden;
mod names;
mod rewritten;
