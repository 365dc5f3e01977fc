//! Content digests and the canonical encoding behind every key.
//!
//! The encoding is a promise (`docs/formats/keys.md`): every field is preceded by a one-byte tag,
//! every length is a little-endian `u64`, maps are written in key order, integers are 8 bytes
//! little-endian, floats are their IEEE bits with negative zero made positive.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 32-byte BLAKE3 digest of a content or of a canonical encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of a byte string.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(*blake3::hash(bytes).as_bytes())
    }

    /// The first twelve hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.short())
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("not a digest of 64 hexadecimal digits: `{0}`")]
pub struct ParseDigestError(String);

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text)
            .map(|hash| Digest(*hash.as_bytes()))
            .map_err(|_| ParseDigestError(text.to_owned()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Digest)
        }
    }
}

/// One-byte tags that open each field of the canonical encoding. The numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    Null = 0,
    False = 1,
    True = 2,
    Int = 3,
    Float = 4,
    Text = 5,
    List = 6,
    Map = 7,
    Bytes = 8,
    Digest = 9,
    Field = 10,
}

/// Collects a canonical encoding; what it holds is what gets digested.
#[derive(Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// An encoder whose first field separates this domain from all others.
    pub fn new(domain: &str) -> Self {
        let mut encoder = Encoder { bytes: Vec::with_capacity(512) };
        encoder.text(domain);
        encoder
    }

    /// Writes a bare tag (null, true, false).
    pub fn tag(&mut self, tag: Tag) {
        self.bytes.push(tag as u8);
    }

    fn sized(&mut self, tag: Tag, bytes: &[u8]) {
        self.tag(tag);
        self.bytes.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes a UTF-8 text.
    pub fn text(&mut self, text: &str) {
        self.sized(Tag::Text, text.as_bytes());
    }

    /// Writes an opaque byte string.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.sized(Tag::Bytes, bytes);
    }

    /// Writes a digest.
    pub fn digest(&mut self, digest: &Digest) {
        self.tag(Tag::Digest);
        self.bytes.extend_from_slice(&digest.0);
    }

    /// Writes a signed integer.
    pub fn int(&mut self, number: i64) {
        self.tag(Tag::Int);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes a float by its bits; negative zero becomes zero.
    pub fn float(&mut self, number: f64) {
        let number = if number == 0.0 { 0.0 } else { number };
        self.tag(Tag::Float);
        self.bytes.extend_from_slice(&number.to_bits().to_le_bytes());
    }

    /// Opens a list or map of a known length.
    pub fn open(&mut self, tag: Tag, length: usize) {
        self.tag(tag);
        self.bytes.extend_from_slice(&(length as u64).to_le_bytes());
    }

    /// Opens a named field of a record.
    pub fn field(&mut self, name: &str) {
        self.sized(Tag::Field, name.as_bytes());
    }

    /// The bytes written so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of everything written.
    pub fn finish(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}
