//! What runtimes say of containers: asked beside the recording, bound when the answer comes.
//!
//! ```text
//! Docker's                      its API                                    names, images, labels, setups
//! containerd's and CRI-O's      what they wrote for Kubernetes             pods, images
//! by no more than an id         that, else Docker, which may be below
//! ```

use super::containers::Details;
use super::environment::Selection;
use super::{docker, oci};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use taffrail_trace::container::Runtime;
use taffrail_trace::ids::ContainerKey;
use tokio::sync::mpsc;

/// A container's cgroup is made before Docker's API knows its name; so it is asked again after each of these.
const RETRIES_MS: [u64; 5] = [50, 200, 500, 1_000, 3_000];

/// A container that somebody wants named.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whom the answer is for.
    pub key: ContainerKey,
    /// The runtime's id of it.
    pub id: String,
    /// The runtime.
    pub runtime: Runtime,
}

/// Who is asked.
#[derive(Clone, Debug)]
pub struct Runtimes {
    /// Docker's socket; nobody is asked where there is none.
    pub docker: PathBuf,
    /// What is kept of a container's environment.
    pub environment: Selection,
    /// Below which the other runtimes keep their files: `/`.
    pub root: PathBuf,
}

impl Question {
    /// Whether anybody can answer for this runtime.
    pub fn is_answered(runtime: Runtime) -> bool {
        matches!(runtime, Runtime::Docker | Runtime::Containerd | Runtime::Crio | Runtime::Kubernetes)
    }
}

/// Answers questions until there are no more.
pub async fn answer(
    runtimes: Runtimes,
    mut questions: mpsc::Receiver<Question>,
    answer: impl Fn(ContainerKey, Details) + Clone + Send + 'static,
) {
    let runtimes = Arc::new(runtimes);
    while let Some(question) = questions.recv().await {
        if question.runtime == Runtime::Docker && !runtimes.docker.exists() {
            continue;
        }
        let (runtimes, answer) = (Arc::clone(&runtimes), answer.clone());
        tokio::spawn(async move {
            for wait in RETRIES_MS {
                match ask(&runtimes, &question).await {
                    Ok(details) => return answer(question.key, details),
                    Err(error) => tracing::debug!(container = question.id, error, "no runtime answered yet"),
                }
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            if question.runtime == Runtime::Docker {
                tracing::warn!(container = question.id, "docker does not know this container; it goes by its id");
            }
        });
    }
}

async fn ask(runtimes: &Runtimes, question: &Question) -> Result<Details, String> {
    let of_docker = async || {
        let asked = docker::ask(&runtimes.docker, &question.id, &runtimes.environment).await;
        asked.map_err(|error| error.to_string())
    };
    if question.runtime == Runtime::Docker {
        return of_docker().await;
    }
    let (root, id) = (runtimes.root.clone(), question.id.clone());
    let read = tokio::task::spawn_blocking(move || oci::details(&root, &id)).await;
    match read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())? {
        Some(details) => Ok(details),
        None if question.runtime == Runtime::Kubernetes && runtimes.docker.exists() => of_docker().await,
        None => Err("it is of no pod".to_owned()),
    }
}
