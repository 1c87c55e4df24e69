use std::time::Duration;

use countersign::scheme::{Algorithm, Encoding, TimestampFormat};

/// How a sender signs, as its public description has it: what the model goes by. It says the same as a `Scheme` in other words, so that a
/// mistake in one is seen by the other.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    pub place: Place,
    /// Names in front of tags, with the hash that each stands for. None where the tag stands alone.
    pub names: &'static [(&'static str, Algorithm)],
    /// The hash of a tag that stands alone.
    pub hash: Algorithm,
    /// The hashes that are accepted where the receiver does not say. Unless told, all but SHA-1.
    pub usual: Option<&'static [Algorithm]>,
    /// Between name and tag.
    pub equals: u8,
    /// Between the items of a list.
    pub comma: Option<u8>,
    pub encoding: Encoding,
    /// What is signed, in this order.
    pub signed: &'static [Signed],
    pub time: Option<Time>,
    pub id: Option<&'static str>,
    pub secret: Form,
    pub key_lengths: (usize, usize),
    pub unsigned_id: Option<&'static str>,
    pub unsigned_event: Option<&'static str>,
}

/// Where signatures stand.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Header(&'static str),
    Headers(&'static [&'static str]),
    /// Behind which a number stands.
    Numbered(&'static str),
    /// No signature, but the secret itself.
    Token(&'static str),
}

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

/// How the secret is shown.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Text,
    Hex,
    Base64(&'static str),
}

/// What a head looks like. Providers of one shape are fuzzed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A tag that stands alone in its header.
    Bare,
    /// A tag with a name in front.
    Method,
    /// A list of tags, perhaps with the time among them.
    List,
    /// A timestamp in a header of its own.
    Time,
    /// A signed id beside a timestamp and a list of tags.
    Id,
    /// Signatures in several headers, with names or with numbers.
    Several,
    /// The secret as it is.
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

    /// One SHA-256 tag of the body in hex, alone in a header.
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

    /// All hashes that it has a place for.
    #[must_use]
    pub fn hashes(&self) -> Vec<Algorithm> {
        let names = self.names.iter().map(|(_, hash)| *hash);
        if self.names.is_empty() { vec![self.hash] } else { names.collect() }
    }

    /// The names of its headers: of signatures, time and id, and of what is not signed. Of numbered ones, more than may be there.
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
