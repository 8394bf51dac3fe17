//! Names, images, labels and setups from Docker's API.

mod setup;

use super::containers::Details;
use super::environment::Selection;
use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use std::path::Path;

/// How long Docker may take to begin its answer.
const ANSWER_SECONDS: u64 = 5;

/// A connection that speaks the version of the API that Docker does.
///
/// # Errors
/// What the client says where nobody answers.
pub async fn connect(socket: &Path) -> Result<Docker, Error> {
    Docker::connect_with_unix(&socket.to_string_lossy(), ANSWER_SECONDS, API_DEFAULT_VERSION)?.negotiate_version().await
}

/// What Docker knows of a container; of its environment what `environment` lets pass.
///
/// # Errors
/// What the client says where Docker does not know it, or nobody answers.
pub async fn ask(socket: &Path, id: &str, environment: &Selection) -> Result<Details, Error> {
    let found = connect(socket).await?.inspect_container(id, None).await?;
    let setup = setup::setup(&found, environment);
    let config = found.config.unwrap_or_default();
    Ok(Details {
        name: found.name.map(|name| name.trim_start_matches('/').to_owned()),
        image: config.image,
        image_digest: found.image,
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        setup: Some(Box::new(setup)),
    })
}
