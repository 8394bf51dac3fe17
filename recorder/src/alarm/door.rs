//! The door at which other programs raise alarms: `POST /alarm` over HTTP/1.1.
//!
//! Bounded in every way a client could make it wait or grow: how many are inside, how long a head and a body may take and
//! be, how often somebody may come. Those without the token have a rate of their own, so that they cannot take that of
//! those who have it.
//!
//! ```text
//! 202   taken; what became of each      400   not understood           413   too large
//! 401   no token, or another one        404   no such path, or nobody is called so
//! 405   not POST                        408   too slow                 429   too often       503   the recorder is ending
//! ```

use super::form::{self, Read};
use super::listen::{self, AlarmError, Listen, Token};
use super::rate::Bucket;
use super::{Became, Taken};
use crate::config::Config;
use crate::control::access::Access;
use crate::control::server;
use crate::record::Command;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

/// The only path.
const PATH: &str = "/alarm";
/// The longest body.
const BODY_MAX_BYTES: usize = 64 << 10;
/// A longer body is read so far, that its sender hears why it was not taken.
const BODY_HEARD_BYTES: usize = 1 << 20;
/// The longest head, and how many lines it has.
const HEAD_MAX_BYTES: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
/// A head, and a body, has come by then.
const HEAD_WAIT: Duration = Duration::from_secs(5);
const BODY_WAIT: Duration = Duration::from_secs(5);
/// A visit is over by then.
const VISIT: Duration = Duration::from_secs(20);
/// How many are inside at once. Others wait before the door, as many as the kernel keeps.
const INSIDE_MAX: usize = 16;
/// How many requests are taken at once and a second.
const BURST: u32 = 60;
const PER_SECOND: u32 = 10;

/// An open door.
pub(crate) struct Door {
    listener: Listener,
    desk: Arc<Desk>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// What all visitors are answered with.
struct Desk {
    token: Option<Token>,
    access: Access,
    known: Mutex<Bucket>,
    strangers: Mutex<Bucket>,
}

/// Who comes: how he is called in evidence, or why he is not answered.
type Peer = Result<String, String>;

impl Door {
    /// Looks whether the token can be used, before anything is recorded.
    ///
    /// # Errors
    /// [`AlarmError`].
    pub fn check(config: &Config) -> Result<(), AlarmError> {
        config.alarm_token_file.as_deref().map_or(Ok(()), |path| Token::read(path).map(drop))
    }

    /// Opens the door that the configuration names, if it names one.
    ///
    /// # Errors
    /// [`AlarmError`].
    pub async fn open(config: &Config, access: &Access) -> Result<Option<Self>, AlarmError> {
        let Some(listen) = &config.alarm_listen else { return Ok(None) };
        let token = config.alarm_token_file.as_deref().map(Token::read).transpose()?;
        let cannot = |source| AlarmError::Bind { listen: listen.clone(), source };
        let listener = match listen {
            Listen::Tcp(address) => Listener::Tcp(TcpListener::bind(address).await.map_err(cannot)?),
            Listen::Unix(path) => {
                listen::clear(path)?;
                let listener = UnixListener::bind(path).map_err(cannot)?;
                access.let_in(path).map_err(|error| cannot(io::Error::other(error)))?;
                Listener::Unix(listener, path.clone())
            }
        };
        tracing::info!(%listen, "alarms are taken");
        let now = Instant::now();
        let bucket = || Mutex::new(Bucket::new(BURST, PER_SECOND, now));
        let desk = Desk { token, access: access.clone(), known: bucket(), strangers: bucket() };
        Ok(Some(Self { listener, desk: Arc::new(desk) }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // One that stays is cleared away by the next recorder.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Answers until it is dropped.
pub(crate) async fn serve(door: Door, commands: mpsc::Sender<Command>) {
    let Door { listener, desk } = door;
    let places = Arc::new(Semaphore::new(INSIDE_MAX));
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = match &listener {
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, address)| {
                visit(stream, Ok(address.to_string()), &desk, &commands, place);
            }),
            Listener::Unix(listener, _) => listener.accept().await.map(|(stream, _)| {
                let peer = stream.peer_cred().map_err(|error| error.to_string());
                let peer = peer.and_then(|peer| desk.access.asker(&peer)).map(|asker| format!("uid {}", asker.uid));
                visit(stream, peer, &desk, &commands, place);
            }),
        };
        if let Err(error) = accepted {
            tracing::warn!(%error, "the door for alarms cannot accept");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn visit<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: Peer,
    desk: &Arc<Desk>,
    commands: &mpsc::Sender<Command>,
    place: OwnedSemaphorePermit,
) {
    let (desk, commands) = (Arc::clone(desk), commands.clone());
    tokio::spawn(async move {
        let _place = place;
        let service = service_fn(|request| {
            let (desk, commands, peer) = (&desk, &commands, &peer);
            async move {
                let answer = desk.answer(request, peer, commands).await.unwrap_or_else(|refusal| refusal);
                Ok::<_, Infallible>(answer)
            }
        });
        let visit = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WAIT)
            .max_buf_size(HEAD_MAX_BYTES)
            .max_headers(HEADERS_MAX)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        match timeout(VISIT, visit).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "somebody at the door for alarms went away"),
            Err(_) => tracing::debug!("somebody at the door for alarms was let go"),
        }
    });
}

type Answer = Response<Full<Bytes>>;

impl Desk {
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
        commands: &mpsc::Sender<Command>,
    ) -> Result<Answer, Answer> {
        let peer = peer.as_ref().map_err(|reason| refusal(StatusCode::FORBIDDEN, reason))?;
        if let Some(refusal) = self.refused(&request, peer) {
            return Err(refusal);
        }
        if request.uri().path() != PATH {
            return Err(refusal(StatusCode::NOT_FOUND, "alarms are raised with POST /alarm"));
        }
        if request.method() != Method::POST {
            let answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "alarms are raised with POST /alarm");
            return Err(with(answer, ALLOW, "POST"));
        }
        let body = match timeout(BODY_WAIT, body(request.into_body())).await {
            Ok(body) => body?,
            Err(_) => return Err(refusal(StatusCode::REQUEST_TIMEOUT, "the body took longer than 5 s")),
        };
        let Read { alarms, resolved } =
            form::read(&body, peer).map_err(|reason| refusal(StatusCode::BAD_REQUEST, &reason))?;
        let mut taken = Vec::new();
        if !alarms.is_empty() {
            let told = server::ask(commands, |reply| Command::Alarms(alarms, Some(reply))).await;
            taken = told.ok_or_else(|| refusal(StatusCode::SERVICE_UNAVAILABLE, "the recorder is ending"))?;
        }
        Ok(answered(&taken, resolved))
    }

    /// What is said to who has no token, or comes too often.
    fn refused(&self, request: &Request<Incoming>, peer: &str) -> Option<Answer> {
        let shown = request.headers().get(AUTHORIZATION);
        let is_known = self.token.as_ref().is_none_or(|token| shown.is_some_and(|shown| is_shown(shown, token)));
        let bucket = if is_known { &self.known } else { &self.strangers };
        if !bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now()) {
            let answer = refusal(StatusCode::TOO_MANY_REQUESTS, "too many alarms; come again in some seconds");
            return Some(with(answer, RETRY_AFTER, "5"));
        }
        if is_known {
            return None;
        }
        tracing::warn!(peer, "somebody without the token raised an alarm");
        let reason = "show the token of alarm_token_file: `Authorization: Bearer TOKEN`, or as the password of Basic";
        Some(with(refusal(StatusCode::UNAUTHORIZED, reason), WWW_AUTHENTICATE, "Bearer"))
    }
}

/// `Bearer TOKEN`, or `Basic` with the token as the password: all that a URL (`http://any:TOKEN@...`) can carry.
fn is_shown(shown: &HeaderValue, token: &Token) -> bool {
    let Some((scheme, rest)) = shown.to_str().ok().and_then(|text| text.split_once(' ')) else { return false };
    if scheme.eq_ignore_ascii_case("bearer") {
        return token.is(rest.trim().as_bytes());
    }
    let pair = STANDARD.decode(rest.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"));
    pair.is_some_and(|pair| {
        let colon = pair.iter().position(|byte| *byte == b':');
        colon.is_some_and(|colon| token.is(&pair[colon + 1..]))
    })
}

/// The body; of one that is too long only its length is heard.
async fn body(mut incoming: Incoming) -> Result<Vec<u8>, Answer> {
    let (mut body, mut heard) = (Vec::new(), 0);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| refusal(StatusCode::BAD_REQUEST, &error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        heard += data.len();
        if heard <= BODY_MAX_BYTES {
            body.extend_from_slice(&data);
        } else if heard > BODY_HEARD_BYTES {
            break;
        }
    }
    if heard > BODY_MAX_BYTES {
        let reason = format!("an alarm has at most {BODY_MAX_BYTES} bytes");
        return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, &reason));
    }
    Ok(body)
}

fn answered(taken: &[Taken], resolved: usize) -> Answer {
    let is_nobody = |taken: &Taken| taken.outcome == Became::Unknown;
    if !taken.is_empty() && taken.iter().all(is_nobody) {
        let whys: Vec<&str> = taken.iter().filter_map(|taken| taken.why.as_deref()).collect();
        return said(StatusCode::NOT_FOUND, &json!({"error": whys.join("; "), "alarms": taken}));
    }
    said(StatusCode::ACCEPTED, &json!({"alarms": taken, "resolved": resolved}))
}

fn refusal(status: StatusCode, reason: &str) -> Answer {
    said(status, &json!({"error": reason}))
}

fn said(status: StatusCode, value: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(format!("{value}\n"))));
    *answer.status_mut() = status;
    with(answer, CONTENT_TYPE, "application/json")
}

fn with(mut answer: Answer, name: hyper::header::HeaderName, value: &'static str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}
