//! What a person sees and does in a replay. One binary, because each links the whole query engine.

mod colours;
mod evidence;
mod files;
mod hostile;
mod keys;
mod million;
mod movement;
mod paged;
mod playing;
mod samples;
mod screens;
mod sentences;
mod sessions;
mod slow;
mod sql;
mod story;
mod tales;
mod views;
