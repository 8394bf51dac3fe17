//! The only thing the engine can read: members of open bundles, each by position in its own file.
//!
//! ```text
//! evidence://bundles/<table>/bundle=<id>/host=<name>/<n>.parquet      the table's member of the nth bundle
//! ```
//!
//! A read is one `pread` of the open file inside the checked range of the member; nothing is copied out, nothing can
//! be written, and no other scheme than `evidence` leads anywhere.

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::common::plan_err;
use datafusion::execution::object_store::ObjectStoreRegistry;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use taffrail_trace::bundle::pages::Weight;
use taffrail_trace::bundle::{Bundle, Columns, Member, OpenError};
use url::Url;

/// The scheme of every address that the engine can read.
pub const SCHEME: &str = "evidence";
/// The root of all tables.
pub const ROOT: &str = "evidence://bundles/";

/// Members of open bundles as read-only objects.
#[derive(Debug, Default)]
pub struct Store {
    objects: BTreeMap<Path, Object>,
    read_bytes: AtomicU64,
}

#[derive(Debug)]
struct Object {
    /// The bundle, and the member's name in it.
    bundle: PathBuf,
    name: String,
    file: Arc<File>,
    member: Member,
    /// Its columns, or why it is not believed: looked at when it is read first.
    columns: OnceLock<Result<Columns, String>>,
}

impl Object {
    fn columns(&self) -> io::Result<&Columns> {
        let look = || Columns::of(&self.bundle, &self.name, &self.file, self.member).map_err(|error| error.to_string());
        match self.columns.get_or_init(look) {
            Ok(columns) => Ok(columns),
            Err(reason) => Err(io::Error::new(io::ErrorKind::InvalidData, reason.clone())),
        }
    }

    /// Where these bytes are pages, neither they nor those that are read with them may unpack to more than a recorder packs. No
    /// column reaches to the end: that is the footer, and what the engine reads with it.
    fn check(&self, at: u64, bytes: &[u8], weight: &mut Weight) -> io::Result<()> {
        if at + bytes.len() as u64 == self.member.len {
            return Ok(());
        }
        let refused = |error: OpenError| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
        self.columns()?.check(at, bytes, weight).map_err(refused)
    }
}

impl Store {
    /// Makes the member `name` of `bundle` readable as `path`, where it is there.
    pub fn add(&mut self, path: Path, bundle: &Bundle, name: &str) {
        if let Some(member) = bundle.members().get(name) {
            let (file, columns) = (Arc::clone(bundle.file()), OnceLock::new());
            let (bundle, name) = (bundle.path().to_owned(), name.to_owned());
            self.objects.insert(path, Object { bundle, name, file, member: *member, columns });
        }
    }

    /// Bytes read so far, of all bundles.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    fn object(&self, path: &Path) -> Result<&Object> {
        self.objects
            .get(path)
            .ok_or_else(|| Error::NotFound { path: path.to_string(), source: "no bundle has such a table".into() })
    }

    /// One `pread`, done right here: for a local file it is shorter than handing it to another thread.
    fn read(&self, path: &Path, range: Range<u64>) -> Result<Bytes> {
        let object = self.object(path)?;
        let member = object.member;
        object.columns().map_err(generic)?;
        if range.start > range.end || range.end > member.len {
            let problem = io::Error::new(io::ErrorKind::UnexpectedEof, "a position beyond the end of the table");
            return Err(generic(problem));
        }
        let len = usize::try_from(range.end - range.start).map_err(generic)?;
        let mut bytes = vec![0; len];
        object.file.read_exact_at(&mut bytes, member.offset + range.start).map_err(generic)?;
        self.read_bytes.fetch_add(len as u64, Ordering::Relaxed);
        Ok(bytes.into())
    }
}

fn generic(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: SCHEME, source: source.into() }
}

fn read_only(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: "evidence, which is read-only".to_owned() }
}

fn meta(path: &Path, object: &Object) -> ObjectMeta {
    ObjectMeta {
        location: path.clone(),
        last_modified: Default::default(),
        // The engine passes over empty files in silence; an empty member has to fail as the damage that it is.
        size: object.member.len.max(1),
        e_tag: None,
        version: None,
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)
    }
}

#[async_trait]
impl ObjectStore for Store {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let object = self.object(location)?;
        let meta = meta(location, object);
        let range = match &options.range {
            Some(range) => range.as_range(meta.size).map_err(generic)?,
            None => 0..meta.size,
        };
        let bytes = if options.head { Bytes::new() } else { self.read(location, range.clone())? };
        let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
        Ok(GetResult { payload, meta, range, attributes: Default::default() })
    }

    /// Pages above all. Range by range: joining near ranges, which is the default, would read columns that nobody asked for.
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let object = self.object(location)?;
        let mut weight = Weight::default();
        let read = |range: &Range<u64>| {
            let bytes = self.read(location, range.clone())?;
            object.check(range.start, &bytes, &mut weight).map_err(generic)?;
            Ok(bytes)
        };
        ranges.iter().map(read).collect()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let found: Vec<_> = self
            .objects
            .iter()
            .filter(|(path, _)| prefix.is_none_or(|prefix| path.prefix_matches(prefix)))
            .map(|(path, object)| Ok(meta(path, object)))
            .collect();
        stream::iter(found).boxed()
    }

    async fn list_with_delimiter(&self, _prefix: Option<&Path>) -> Result<ListResult> {
        Err(read_only("list_with_delimiter"))
    }

    async fn put_opts(&self, _location: &Path, _payload: PutPayload, _opts: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put_multipart"))
    }

    fn delete_stream(&self, _locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { Err(read_only("delete")) }).boxed()
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}

/// Leads from an address to a store: only ever to the bundles. The engine's own registry knows the local file system.
#[derive(Debug)]
pub struct OnlyEvidence(pub Arc<Store>);

impl ObjectStoreRegistry for OnlyEvidence {
    fn register_store(&self, _url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        // Nothing can be added; the newcomer is handed back.
        Some(store)
    }

    fn get_store(&self, url: &Url) -> datafusion::error::Result<Arc<dyn ObjectStore>> {
        if url.scheme() == SCHEME {
            return Ok(Arc::clone(&self.0) as Arc<dyn ObjectStore>);
        }
        plan_err!("only the opened bundles can be read, not {url}")
    }
}
