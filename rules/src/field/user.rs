//! `user.*` and `group.*`: as whom it was done.
//!
//! Ids are kept with each program; their names with the container, as its own files have them. Where these were not read
//! root is known all the same.

use super::{Field, Look, Missing, number, text};
use taffrail_trace::event::{Body, PrivilegeOp};

pub const FIELDS: &[Field] = &[
    number("user.uid", |look| user(look).is_some_and(|uid| look.number(uid))),
    text("user.name", |look| user(look).is_some_and(|uid| user_name(look, uid))),
    // -1 where nobody logged in.
    number("user.loginuid", |look| {
        look.image(0).is_some_and(|image| look.number(image.login_uid.map_or(-1, i64::from)))
    }),
    text("user.loginname", |look| match look.image(0).map(|image| image.login_uid) {
        Some(Some(uid)) => user_name(look, uid),
        Some(None) => look.text("<NA>"),
        None => false,
    }),
    number("group.gid", |look| group(look).is_some_and(|gid| look.number(gid))),
    text("group.name", |look| match group(look) {
        Some(gid) => match look.scene().group_name(gid) {
            Some(name) => look.text(name),
            None => gid == 0 && look.text("root"),
        },
        None => false,
    }),
];

pub const MISSING: Missing = &[(&["user.homedir", "user.shell"], "only ids and names are kept of a user")];

fn user_name(look: &mut Look<'_, '_>, uid: u32) -> bool {
    match look.scene().user_name(uid) {
        Some(name) => look.text(name),
        None => uid == 0 && look.text("root"),
    }
}

/// The effective user: of a call that changes it the one before, else as at exec unless the real user was changed
/// since.
fn user(look: &Look<'_, '_>) -> Option<u32> {
    let changes = matches!(&look.event().body, Body::Privilege(call) if call.op == PrivilegeOp::Setuid);
    let real = look.event().actor.as_ref().map(|actor| actor.uid);
    let at_exec = look.image(0).and_then(|image| image.credentials);
    let still = at_exec.filter(|who| changes || real.is_none_or(|real| real == who.uid));
    still.map(|who| who.euid).or(real)
}

/// The effective group, as at exec.
fn group(look: &Look<'_, '_>) -> Option<u32> {
    look.image(0).map(|image| image.credentials.map_or(image.gid, |who| who.egid))
}
