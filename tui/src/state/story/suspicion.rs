//! Whose acts are told.
//!
//! Accused is an image that a finding names, that has the network as its input, or that came in from outside. With it
//! its whole branch is suspected: from the process below the service that it came out of, to all who descend from that.
//! A service is what the container is there for: its first process, who listens or accepts, who ran before the record
//! began, and the copies that such a one makes of itself without running another program.

use crate::state::recording::{Body, Image, ImageIx, Origin, ProcessIx, Recording};

/// What a process that is older than the record is taken for a person's by.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "fish"];

/// What is known of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It has not been looked at.
    Unknown,
    /// What it does is no story.
    Clear,
    /// It lies between a service and somebody accused.
    Between,
    /// It is accused, or descends from a suspect.
    Suspect,
}

/// Who is suspected, as far as it is known by now.
#[derive(Debug)]
pub struct Suspicion {
    accused: Vec<bool>,
    /// The ancestors of the accused, and the other images of their processes.
    led: Vec<bool>,
    standings: Vec<Standing>,
    /// By process: the first of its container, or one that listens or accepts.
    services: Vec<bool>,
}

impl Suspicion {
    /// Of the images of a recording and its findings.
    pub fn of(recording: &Recording) -> Self {
        let images = &recording.images;
        // Whatever else a process runs that came in, it came in.
        let mut entered = vec![false; recording.processes as usize];
        let mut accused = Vec::with_capacity(images.len());
        for image in images.iter() {
            let entered = &mut entered[image.process as usize];
            *entered |= image.more.entered.is_some();
            accused.push(image.inside && (remote_input(recording, image).is_some() || *entered));
        }
        for event in &recording.events {
            if let (Body::Finding(_), Some(image)) = (event.body, recording.actor(event).image) {
                accused[image as usize] = true;
            }
        }
        let mut services = vec![false; recording.processes as usize];
        for image in images.iter().filter(|image| image.inside && !entered[image.process as usize]) {
            let parent = image.parent.and_then(|at| recording.image(at));
            services[image.process as usize] |= !parent.is_some_and(|parent| parent.inside);
        }
        let led = led(recording, &accused);
        Self { standings: vec![Standing::Unknown; accused.len()], accused, led, services }
    }

    /// Whether what the image does is told.
    pub fn is_suspect(&mut self, recording: &Recording, image: ImageIx) -> bool {
        matches!(self.standing(recording, image), Standing::Suspect | Standing::Between)
    }

    /// Whether it is on the way that led to somebody accused, or of the same process.
    pub fn led(&self, image: ImageIx) -> bool {
        self.led.get(image as usize).copied().unwrap_or(false)
    }

    /// Whether the branch of suspects begins with it.
    pub fn is_root(&mut self, recording: &Recording, image: ImageIx) -> bool {
        let parent = recording.image(image).and_then(|image| image.parent);
        self.is_suspect(recording, image) && !parent.is_some_and(|parent| self.is_suspect(recording, parent))
    }

    /// The image listens or accepts: what came out of it before is as it was, but it is a service.
    pub fn serves(&mut self, recording: &Recording, image: ImageIx) {
        let Some(process) = recording.image(image).map(|image| image.process) else { return };
        self.services[process as usize] = true;
        if self.standings[image as usize] == Standing::Between {
            self.standings[image as usize] = Standing::Clear;
        }
    }

    fn standing(&mut self, recording: &Recording, image: ImageIx) -> Standing {
        // From the nearest ancestor that is known downwards.
        let unknown = |at: &ImageIx| self.standings.get(*at as usize) == Some(&Standing::Unknown);
        let way: Vec<ImageIx> = recording.ancestry(image).take_while(unknown).collect();
        for at in way.into_iter().rev() {
            let Some(image) = recording.image(at) else { continue };
            let above = image.parent.map_or(Standing::Clear, |parent| self.standings[parent as usize]);
            self.standings[at as usize] = self.judged(recording, at, image, above);
        }
        self.standings.get(image as usize).copied().unwrap_or(Standing::Clear)
    }

    fn judged(&self, recording: &Recording, at: ImageIx, image: &Image, above: Standing) -> Standing {
        if self.accused[at as usize] || matches!(above, Standing::Suspect | Standing::Between) {
            return Standing::Suspect;
        }
        let parent = image.parent.and_then(|parent| recording.image(parent)).filter(|parent| parent.inside);
        let copy = image.origin == Origin::Fork && parent.is_some();
        let old = image.origin == Origin::Scan && !SHELLS.contains(&recording.text(image.comm));
        let service = !image.inside || self.services[image.process as usize] || copy || old;
        if self.led(at) && !service { Standing::Between } else { Standing::Clear }
    }
}

/// For every image: whether it is an ancestor of one that is accused, or another image of such a one's process.
fn led(recording: &Recording, accused: &[bool]) -> Vec<bool> {
    let mut led = vec![false; accused.len()];
    for start in (0..accused.len()).filter(|at| accused[*at]) {
        for at in recording.ancestry(start as ImageIx).skip(1) {
            if std::mem::replace(&mut led[at as usize], true) {
                break;
            }
        }
    }
    // The other images of such a process are how it became what it is.
    let mut processes = vec![false; recording.processes as usize];
    for (image, on) in recording.images.iter().zip(accused.iter().zip(&led)) {
        processes[image.process as usize] |= *on.0 || *on.1;
    }
    for (image, led) in recording.images.iter().zip(&mut led) {
        *led |= processes[image.process as usize];
    }
    led
}

/// `127.0.0.1:5 -> 127.0.0.1:6` for a shell whose input is a connection.
pub fn remote_input<'a>(recording: &'a Recording, image: &Image) -> Option<&'a str> {
    recording.text(image.stdin).strip_prefix("inet ")
}

/// The process of an image.
pub fn process_of(recording: &Recording, image: Option<ImageIx>) -> Option<ProcessIx> {
    Some(recording.image(image?)?.process)
}
