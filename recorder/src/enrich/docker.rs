//! Names, images, labels and setups from Docker's API: asked beside the recording, bound when the answer comes.

mod setup;

use super::containers::Details;
use super::environment::Selection;
use bollard::{API_DEFAULT_VERSION, Docker};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use taffrail_trace::ids::ContainerKey;
use tokio::sync::mpsc;

/// How long Docker may take to answer one question.
const ANSWER_SECONDS: u64 = 5;
/// A container's cgroup is made before Docker's API knows its name; so it is asked again after each of these.
const RETRIES_MS: [u64; 5] = [50, 200, 500, 1_000, 3_000];

/// A container that somebody wants named.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whom the answer is for.
    pub key: ContainerKey,
    /// Docker's id of it.
    pub id: String,
}

/// Answers questions until there are no more; of a container's environment what `environment` lets pass. Without a socket every question is passed over.
pub async fn answer(
    socket: PathBuf,
    environment: Selection,
    mut questions: mpsc::Receiver<Question>,
    answer: impl Fn(ContainerKey, Details) + Clone + Send + 'static,
) {
    let environment = Arc::new(environment);
    while let Some(question) = questions.recv().await {
        if !socket.exists() {
            continue;
        }
        let (socket, environment, answer) = (socket.clone(), Arc::clone(&environment), answer.clone());
        tokio::spawn(async move {
            for wait in RETRIES_MS {
                match ask(&socket.to_string_lossy(), &question.id, &environment).await {
                    Ok(details) => return answer(question.key, details),
                    Err(error) => tracing::debug!(container = question.id, %error, "docker did not answer yet"),
                }
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            tracing::warn!(container = question.id, "docker does not know this container; it goes by its id");
        });
    }
}

async fn ask(socket: &str, id: &str, environment: &Selection) -> Result<Details, bollard::errors::Error> {
    let docker = Docker::connect_with_unix(socket, ANSWER_SECONDS, API_DEFAULT_VERSION)?.negotiate_version().await?;
    let found = docker.inspect_container(id, None).await?;
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
