//! Field offsets out of BTF, the kernel's description of its own types.
//!
//! ```text
//! | header: magic version flags hdr_len type_off type_len str_off str_len | types ... | strings ... |
//! a type: name_off, info (vlen 0..16, kind 24..29, kind_flag 31), size or type; then by kind members, values, ...
//! ```
//!
//! Every access is checked: a damaged or cut file gives an error and never a panic. Reads what the loader needs,
//! struct members and enum values, and nothing else. Little-endian, as the machines this runs on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Where the running kernel keeps its BTF.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

const MAGIC: u16 = 0xEB9F;
const POINTER: u32 = 2;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const TYPEDEF: u32 = 8;
const FUNCTION_PROTOTYPE: u32 = 13;
const ENUM64: u32 = 19;
/// `typedef`, `volatile`, `const`, `restrict` and type tag: they name another type and have no layout of their own.
const TRANSPARENT: [u32; 5] = [8, 9, 10, 11, 18];
/// Bounds the nesting of anonymous members and chains of typedefs, which a damaged file can make endless.
const DEPTH_MAX: u32 = 32;

/// Why BTF was no help.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The file could not be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The bytes are no BTF.
    #[error("not BTF: {0}")]
    Format(&'static str),
    /// The types end before their end.
    #[error("BTF is cut short or damaged at byte {0}")]
    Damaged(usize),
    /// The kernel has no such struct or field.
    #[error("the kernel's BTF has no field {field} in struct {structure}")]
    NoField {
        /// The struct.
        structure: String,
        /// The path of the field.
        field: String,
    },
}

/// Type information, indexed by type id.
#[derive(Debug)]
pub struct Btf {
    bytes: Vec<u8>,
    strings: std::ops::Range<usize>,
    /// Where each type starts in `bytes`; the id is the index plus one, id 0 is `void`.
    types: Vec<usize>,
    /// Where the first type of a name that has members or parameters starts.
    names: HashMap<Vec<u8>, usize>,
}

#[derive(Clone, Copy)]
struct Type {
    name: u32,
    kind: u32,
    kind_flag: bool,
    vlen: usize,
    /// Size for structs and enums, the referred type for the transparent kinds.
    size_or_id: u32,
    /// Where the members begin.
    body: usize,
}

impl Btf {
    /// Reads and indexes a BTF file, such as `/sys/kernel/btf/vmlinux`.
    ///
    /// # Errors
    ///
    /// When the file can't be read or is damaged.
    pub fn read(path: &Path) -> Result<Btf, BtfError> {
        let bytes = std::fs::read(path).map_err(|source| BtfError::Read { path: path.to_owned(), source })?;
        Btf::parse(bytes)
    }

    /// Indexes BTF.
    ///
    /// # Errors
    ///
    /// When the bytes are no BTF or the types are cut short.
    pub fn parse(bytes: Vec<u8>) -> Result<Btf, BtfError> {
        let word = |at: usize| u32_at(&bytes, at).map(|word| word as usize);
        if bytes.get(..2) != Some(&MAGIC.to_le_bytes()[..]) {
            return Err(BtfError::Format("the magic number is missing"));
        }
        if bytes.get(2) != Some(&1) {
            return Err(BtfError::Format("the version is not 1"));
        }
        let (header, type_off, type_len) = (word(4)?, word(8)?, word(12)?);
        let (string_off, string_len) = (word(16)?, word(20)?);
        let section = |offset: usize, len: usize| {
            let start = header.checked_add(offset)?;
            let end = start.checked_add(len)?;
            (end <= bytes.len()).then_some(start..end)
        };
        let types_at = section(type_off, type_len).ok_or(BtfError::Format("the types lie outside the file"))?;
        let strings = section(string_off, string_len).ok_or(BtfError::Format("the strings lie outside the file"))?;
        let mut types = Vec::new();
        let mut at = types_at.start;
        while at < types_at.end {
            types.push(at);
            at = type_at(&bytes, at).and_then(|ty| type_end(&ty)).ok_or(BtfError::Damaged(at))?;
        }
        if at != types_at.end {
            return Err(BtfError::Damaged(types_at.end));
        }
        let mut btf = Btf { bytes, strings, types, names: HashMap::new() };
        for at in &btf.types {
            let Some(ty) = type_at(&btf.bytes, *at) else { continue };
            let named = matches!(ty.kind, STRUCT | UNION | ENUM | ENUM64) && ty.vlen > 0 || ty.kind == TYPEDEF;
            if let Some(name) = btf.name(ty.name).filter(|name| named && !name.is_empty()) {
                let name = name.to_vec();
                btf.names.entry(name).or_insert(*at);
            }
        }
        Ok(btf)
    }

    /// Byte offset of a field, `a.b` for a field of a nested struct; members of anonymous structs and unions belong
    /// to the struct around them.
    ///
    /// # Errors
    ///
    /// When there is no such struct or field.
    pub fn offset_of(&self, structure: &str, field: &str) -> Result<u32, BtfError> {
        self.find(structure, field)
            .and_then(|bits| (bits % 8 == 0).then_some(bits / 8))
            .ok_or_else(|| BtfError::NoField { structure: structure.into(), field: field.into() })
    }

    /// Size of a struct in bytes.
    ///
    /// # Errors
    ///
    /// When there is no such struct.
    pub fn size_of(&self, structure: &str) -> Result<u32, BtfError> {
        let ty = self.named(structure, &[STRUCT, UNION]);
        ty.map(|ty| ty.size_or_id)
            .ok_or_else(|| BtfError::NoField { structure: structure.into(), field: String::new() })
    }

    /// How many parameters the function has that a typedef such as `btf_trace_sys_exit` points to.
    pub fn parameters_of(&self, typedef: &str) -> Option<usize> {
        let mut ty = self.named(typedef, &[TYPEDEF])?;
        for _ in 0..DEPTH_MAX {
            if ty.kind == FUNCTION_PROTOTYPE {
                return Some(ty.vlen);
            }
            if ty.kind != POINTER && !TRANSPARENT.contains(&ty.kind) {
                return None;
            }
            ty = type_at(&self.bytes, *self.types.get((ty.size_or_id as usize).checked_sub(1)?)?)?;
        }
        None
    }

    /// Value of an enum's variant.
    pub fn enum_value(&self, enumeration: &str, variant: &str) -> Option<u32> {
        let ty = self.named(enumeration, &[ENUM, ENUM64])?;
        let entry = if ty.kind == ENUM { 8 } else { 12 };
        (0..ty.vlen).map(|index| ty.body + index * entry).find_map(|at| {
            let found = self.name(u32_at(&self.bytes, at).ok()?)? == variant.as_bytes();
            found.then(|| u32_at(&self.bytes, at + 4).ok()).flatten()
        })
    }

    fn find(&self, structure: &str, field: &str) -> Option<u32> {
        let mut ty = self.named(structure, &[STRUCT, UNION])?;
        let mut bits = 0_u32;
        let mut steps = field.split('.').peekable();
        while let Some(step) = steps.next() {
            let (offset, member) = self.member(&ty, step.as_bytes(), DEPTH_MAX)?;
            bits = bits.checked_add(offset)?;
            if steps.peek().is_some() {
                ty = self.solid(member)?;
            }
        }
        Some(bits)
    }

    /// The type of a name, where it is one of `kinds`.
    fn named(&self, name: &str, kinds: &[u32]) -> Option<Type> {
        let ty = type_at(&self.bytes, *self.names.get(name.as_bytes())?)?;
        kinds.contains(&ty.kind).then_some(ty)
    }

    /// Bit offset and type of a member, anonymous members searched through.
    fn member(&self, ty: &Type, name: &[u8], depth: u32) -> Option<(u32, u32)> {
        if !matches!(ty.kind, STRUCT | UNION) {
            return None;
        }
        for index in 0..ty.vlen {
            let at = ty.body + index * 12;
            let member_name = self.name(u32_at(&self.bytes, at).ok()?)?;
            let member = u32_at(&self.bytes, at + 4).ok()?;
            let raw = u32_at(&self.bytes, at + 8).ok()?;
            let offset = if ty.kind_flag { raw & 0x00FF_FFFF } else { raw };
            if member_name == name {
                return Some((offset, member));
            }
            if member_name.is_empty()
                && depth > 0
                && let Some(inner) = self.solid(member)
                && let Some((deeper, found)) = self.member(&inner, name, depth - 1)
            {
                return Some((offset.checked_add(deeper)?, found));
            }
        }
        None
    }

    /// A type with typedefs and qualifiers taken off.
    fn solid(&self, id: u32) -> Option<Type> {
        let mut id = id;
        for _ in 0..DEPTH_MAX {
            let at = self.types.get((id as usize).checked_sub(1)?)?;
            let ty = type_at(&self.bytes, *at)?;
            if !TRANSPARENT.contains(&ty.kind) {
                return Some(ty);
            }
            id = ty.size_or_id;
        }
        None
    }

    fn name(&self, offset: u32) -> Option<&[u8]> {
        let strings = self.bytes.get(self.strings.clone())?;
        strings.get(offset as usize..)?.split(|byte| *byte == 0).next()
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, BtfError> {
    let end = at.checked_add(4).ok_or(BtfError::Damaged(at))?;
    let word = bytes.get(at..end).and_then(|word| word.try_into().ok()).ok_or(BtfError::Damaged(at))?;
    Ok(u32::from_le_bytes(word))
}

fn type_at(bytes: &[u8], at: usize) -> Option<Type> {
    let name = u32_at(bytes, at).ok()?;
    let info = u32_at(bytes, at.checked_add(4)?).ok()?;
    let size_or_id = u32_at(bytes, at.checked_add(8)?).ok()?;
    Some(Type {
        name,
        kind: info >> 24 & 0x1F,
        kind_flag: info >> 31 == 1,
        vlen: (info & 0xFFFF) as usize,
        size_or_id,
        body: at.checked_add(12)?,
    })
}

/// Where the type after this one begins; none for a kind that is not known, whose size can't be either.
fn type_end(ty: &Type) -> Option<usize> {
    let (each, fixed) = match ty.kind {
        // int, variable, declaration tag
        1 | 14 | 17 => (0, 4),
        // array
        3 => (0, 12),
        STRUCT | UNION | ENUM64 | 15 => (12, 0),
        ENUM | 13 => (8, 0),
        // pointer, forward, typedef, qualifiers, function, float, type tag
        2 | 7..=12 | 16 | 18 => (0, 0),
        _ => return None,
    };
    ty.body.checked_add(each * ty.vlen + fixed)
}
