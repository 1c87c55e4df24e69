use std::time::Duration;

use countersign::scheme::{Algorithm, Encoding, TimestampFormat};

/// The signature format of a sender, from the sender's public documentation, for the model.
///
/// A `Description` repeats a `Scheme` in another form. A mistake in either one makes the crate and the model disagree.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    pub place: Place,
    /// The names before tags, each with an algorithm. Empty for a tag without a name.
    pub names: &'static [(&'static str, Algorithm)],
    /// The algorithm of a tag without a name.
    pub hash: Algorithm,
    /// The algorithms accepted by default. `None` accepts all algorithms except SHA-1.
    pub usual: Option<&'static [Algorithm]>,
    /// The separator between a name and a tag.
    pub equals: u8,
    /// The separator between the items of a list.
    pub comma: Option<u8>,
    pub encoding: Encoding,
    /// The signed parts, in order.
    pub signed: &'static [Signed],
    pub time: Option<Time>,
    pub id: Option<&'static str>,
    pub secret: Form,
    pub key_lengths: (usize, usize),
    pub unsigned_id: Option<&'static str>,
    pub unsigned_event: Option<&'static str>,
}

/// The headers with the signatures.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Header(&'static str),
    Headers(&'static [&'static str]),
    /// The prefix of several header names. A number follows the prefix.
    Numbered(&'static str),
    /// The header with the secret itself, for a sender without signatures.
    Token(&'static str),
}

/// A signed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signed {
    Text(&'static str),
    Time,
    Id,
    Method,
    Url,
    Body,
}

#[derive(Clone, Copy, Debug)]
pub struct Time {
    pub place: TimePlace,
    pub format: TimestampFormat,
    pub tolerance: Duration,
}

#[derive(Clone, Copy, Debug)]
pub enum TimePlace {
    Header(&'static str),
    Item(&'static str),
}

/// The form in which the provider shows the secret.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Text,
    Hex,
    Base64(&'static str),
}

/// The shape of a head. Each `header_…` target fuzzes all providers of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A header with one tag and nothing else.
    Bare,
    /// A tag after a name.
    Method,
    /// A list of tags. One item may be the timestamp.
    List,
    /// A timestamp in a separate header.
    Time,
    /// A signed id, a timestamp and a list of tags.
    Id,
    /// Signatures in several headers. The headers have different names, or numbers.
    Several,
    /// The secret in plain text.
    Token,
}

impl Description {
    #[must_use]
    pub const fn shape(&self) -> Shape {
        match self {
            Self { place: Place::Token(_), .. } => Shape::Token,
            Self { place: Place::Headers(_) | Place::Numbered(_), .. } => Shape::Several,
            Self { id: Some(_), comma: Some(_), .. } => Shape::Id,
            Self { comma: Some(_), .. } => Shape::List,
            Self { time: Some(_), .. } => Shape::Time,
            Self { names: [], .. } => Shape::Bare,
            Self { .. } => Shape::Method,
        }
    }

    /// Describes a header with one SHA-256 tag of the body, in hex.
    #[must_use]
    pub const fn hex(header: &'static str) -> Self {
        Self {
            place: Place::Header(header),
            names: &[],
            hash: Algorithm::Sha256,
            usual: None,
            equals: b'=',
            comma: None,
            encoding: Encoding::Hex,
            signed: &[Signed::Body],
            time: None,
            id: None,
            secret: Form::Text,
            key_lengths: (1, usize::MAX),
            unsigned_id: None,
            unsigned_event: None,
        }
    }

    /// Returns all algorithms of the signature format.
    #[must_use]
    pub fn hashes(&self) -> Vec<Algorithm> {
        let names = self.names.iter().map(|(_, hash)| *hash);
        if self.names.is_empty() { vec![self.hash] } else { names.collect() }
    }

    /// Returns the names of the headers: signatures, timestamp, signed id, unsigned id and unsigned event. Numbered headers include
    /// numbers below and above the valid range.
    #[must_use]
    pub fn headers(&self) -> Vec<String> {
        let mut headers: Vec<String> = match self.place {
            Place::Header(name) | Place::Token(name) => vec![name.into()],
            Place::Headers(names) => names.iter().map(|name| (*name).into()).collect(),
            Place::Numbered(name) => (0..=19).map(|number| format!("{name}{number}")).collect(),
        };
        if let Some(Time { place: TimePlace::Header(name), .. }) = self.time {
            headers.push(name.into());
        }
        headers.extend([self.id, self.unsigned_id, self.unsigned_event].into_iter().flatten().map(String::from));
        headers
    }

    #[must_use]
    pub fn signs(&self, part: Signed) -> bool {
        self.signed.contains(&part)
    }
}
