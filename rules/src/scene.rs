//! An event and what surrounds it, read in place.

use std::net::IpAddr;
use taffrail_trace::clock::{BootNs, UtcNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Endpoint, Event, Image, Protocol};

/// An event where it happened. The live recorder answers from its tables, a reader of evidence from the bundle: a rule
/// that is asked about both gets the same answers, and finds the same.
///
/// Everything is borrowed. What an implementation does not know it leaves out; a field that needs it is then unset.
pub trait Scene {
    /// The event.
    fn event(&self) -> &Event;

    /// A program image: 0 is the actor's, 1 the image that made its process, 2 that one's, and so on. For an event in
    /// which an image came to be, 0 is that image.
    fn image(&self, generation: usize) -> Option<&Image>;

    /// Shows `eye` the image that made the actor's process, the one that made that one's, and so on, until it says
    /// `true`. Gives what it said last. Where images know their parents this is one walk; [`Scene::image`] would be one
    /// for each.
    fn ancestors(&self, eye: &mut dyn FnMut(&Image) -> bool) -> bool {
        (1..).map_while(|generation| self.image(generation)).any(eye)
    }

    /// The container it happened in.
    fn container(&self) -> &Container;

    /// The wall time of a moment on the boot clock.
    fn utc(&self, boot_ns: BootNs) -> UtcNs;

    /// What a descriptor of the acting process leads to. Rules about `dup` ask for sockets too: a flow's own event knows
    /// no descriptor, so an implementation that answers them has to keep which one `connect` and `accept` were given.
    fn descriptor(&self, fd: i32) -> Option<Descriptor<'_>> {
        let _ = fd;
        None
    }

    /// Shows `eye` every name that the container was told `addr` has, until it says `true`. Gives what it said last.
    fn names_of(&self, addr: IpAddr, eye: &mut dyn FnMut(&str) -> bool) -> bool {
        let _ = (addr, eye);
        false
    }

    /// The name of a user, as its container has it.
    fn user_name(&self, uid: u32) -> Option<&str> {
        self.container().users.get(&uid).map(String::as_str)
    }

    /// The name of a group, likewise.
    fn group_name(&self, gid: u32) -> Option<&str> {
        self.container().groups.get(&gid).map(String::as_str)
    }

    /// The name of the machine.
    fn hostname(&self) -> Option<&str> {
        None
    }
}

/// What an open descriptor leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor<'a> {
    /// A file.
    File {
        /// Its path.
        path: &'a str,
    },
    /// A directory.
    Directory {
        /// Its path.
        path: &'a str,
    },
    /// A unix socket.
    Unix {
        /// Its path, where it has one.
        path: &'a str,
    },
    /// A pipe.
    Pipe,
    /// An IPv4 or IPv6 socket.
    Inet {
        /// What it speaks.
        protocol: Protocol,
        /// This end.
        local: Endpoint,
        /// The other end; `None` for a listener.
        remote: Option<Endpoint>,
        /// This end was called, or waits to be.
        serves: bool,
    },
}

/// A scene whose parts that nearly every rule asks for were looked up once.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The scene.
    pub scene: &'a dyn Scene,
    /// Its event.
    pub event: &'a Event,
    /// The actor's image.
    pub image: Option<&'a Image>,
    /// Its container.
    pub container: &'a Container,
}

impl<'a> View<'a> {
    /// A view of `scene`.
    pub fn of(scene: &'a dyn Scene) -> Self {
        Self { scene, event: scene.event(), image: scene.image(0), container: scene.container() }
    }

    /// The image of a generation, as [`Scene::image`] counts them.
    pub fn image(&self, generation: usize) -> Option<&'a Image> {
        if generation == 0 { self.image } else { self.scene.image(generation) }
    }
}
