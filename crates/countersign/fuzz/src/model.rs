use std::time::{Duration, SystemTime};

use countersign::Verified;
use countersign::scheme::{Algorithm, TimestampFormat};

use crate::description::{Description, Form, Place, Signed, TimePlace};
use crate::hmac::hmac;
use crate::request::Request;
use crate::time;
use crate::written::{decode_base64, decode_hex, is_text_of, stands_for};

/// The longest tolerance allowed for a receiver.
pub const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A receiver that follows the public documentation of the providers. The model is slow, makes several passes, and uses none of the crate's
/// verification code.
pub struct Model {
    pub description: Description,
    /// The keys. `verify` tries the keys in this order.
    pub keys: Vec<Key>,
    /// The accepted algorithms. `verify` reports the first algorithm with a matching tag.
    pub accepted: Vec<Algorithm>,
    pub tolerance: Duration,
    /// The signed URL, or the base URL before the target of the request.
    pub url: Option<Url>,
}

pub struct Key {
    pub id: String,
    pub bytes: Vec<u8>,
    /// In nanoseconds since 1970.
    pub expires: Option<i128>,
}

pub enum Url {
    Whole(String),
    Base(String),
}

/// Returns the length of a tag in bytes. Source: FIPS 180-4 §1.
const fn tag_len(hash: Algorithm) -> usize {
    match hash {
        Algorithm::Sha1 => 20,
        Algorithm::Sha256 => 32,
        Algorithm::Sha384 => 48,
        Algorithm::Sha512 => 64,
        _ => unreachable!(),
    }
}

/// The parts of a valid head.
pub struct ValidHead<'r> {
    tags: Vec<(Algorithm, &'r [u8])>,
    token: Option<&'r [u8]>,
    time: Option<(&'r [u8], i128)>,
    id: Option<&'r [u8]>,
}

/// The facts reported about an accepted delivery.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted<'r> {
    pub key: &'r str,
    pub algorithm: Option<Algorithm>,
    /// In nanoseconds since 1970.
    pub signed_at: Option<i128>,
    pub signed_id: Option<&'r [u8]>,
    pub unsigned_id: Option<&'r [u8]>,
    pub unsigned_event: Option<&'r [u8]>,
}

impl Model {
    /// Creates a receiver with the defaults of the description and without keys.
    #[must_use]
    pub fn new(description: Description) -> Self {
        let tolerance = description.time.map(|time| time.tolerance).unwrap_or_default();
        let usual = || description.hashes().into_iter().filter(|hash| *hash != Algorithm::Sha1).collect();
        let accepted = description.usual.map_or_else(usual, <[Algorithm]>::to_vec);
        Self { description, keys: Vec::new(), accepted, tolerance, url: None }
    }

    /// Returns the key of a secret, or `None` for a secret that this sender cannot have.
    #[must_use]
    pub fn key_of(description: &Description, secret: &[u8]) -> Option<Vec<u8>> {
        let key = match description.secret {
            Form::Text => secret.to_vec(),
            Form::Hex => decode_hex(secret)?,
            Form::Base64(prefix) => decode_base64(secret.strip_prefix(prefix.as_bytes()).unwrap_or(secret))?,
        };
        let (shortest, longest) = description.key_lengths;
        let sendable = !matches!(description.place, Place::Token(_)) || key.iter().all(|byte| (b' '..=b'~').contains(byte));
        // HMAC pads a key with zero bytes, so a key of zero bytes equals the empty key. White space is the remainder of a secret that was
        // not filled in.
        let blank = is_blank(&key) || is_blank(secret);
        (sendable && !blank && (shortest..=longest).contains(&key.len())).then_some(key)
    }

    /// Reads a head. Returns `None` for a head rejected regardless of the keys and the body.
    #[must_use]
    pub fn read<'r>(&self, request: &'r Request<'_>, now: i128) -> Option<ValidHead<'r>> {
        let Description { place, time, id, .. } = &self.description;
        let mut head = ValidHead { tags: Vec::new(), token: None, time: None, id: None };
        let (mut item, mut malformed) = (None, 0);
        if let Place::Token(name) = place {
            head.token = Some(only(request, name)?.filter(|token| !token.is_empty())?);
        } else {
            for value in self.signature_values(request)? {
                malformed += self.read_value(value, &mut head.tags, &mut item)?;
            }
            if head.tags.is_empty() || head.tags.len() + malformed > 16 {
                return None;
            }
        }
        if let Some(time) = time {
            let text = match time.place {
                TimePlace::Header(name) => only(request, name)??,
                TimePlace::Item(_) => item?,
            };
            let signed_at = time::parse(time.format, text)?;
            if (now - signed_at).unsigned_abs() > self.tolerance.as_nanos() {
                return None;
            }
            head.time = Some((text, signed_at));
        }
        if let Some(name) = id {
            let id = only(request, name)??;
            let right = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+/=".contains(byte);
            if id.is_empty() || id.len() > 256 || !id.iter().all(right) {
                return None;
            }
            head.id = Some(id);
        }
        let upper_case = !request.method.is_empty() && request.method.chars().all(|letter| letter.is_ascii_uppercase());
        if self.description.signs(Signed::Method) && !upper_case {
            return None;
        }
        if matches!(self.url, Some(Url::Base(_))) {
            // RFC 3986 §2: reserved, unreserved and `%`. `#` would begin a fragment, and clients never send a fragment.
            let of_url = |letter: char| letter.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=%".contains(letter);
            if !request.target.starts_with('/') || !request.target.chars().all(of_url) {
                return None;
            }
        }
        Some(head)
    }

    /// Returns the values of the signature headers that are not empty. Returns `None` if no value is left, or if a header occurs twice.
    fn signature_values<'r>(&self, request: &'r Request<'_>) -> Option<Vec<&'r [u8]>> {
        let mut values = Vec::new();
        match self.description.place {
            Place::Header(name) | Place::Token(name) => values.extend(only(request, name)?),
            Place::Headers(names) => {
                for name in names {
                    values.extend(only(request, name)?);
                }
            }
            Place::Numbered(name) => {
                // 16 signatures are allowed. The 17th is read to reject the head.
                for number in 1..=17 {
                    match only(request, &format!("{name}{number}"))? {
                        Some(value) => values.push(value),
                        None => break,
                    }
                }
            }
        }
        values.retain(|value| !value.is_empty());
        (!values.is_empty()).then_some(values)
    }

    /// Adds the well-formed tags to `tags`, and returns the number of malformed candidates. Returns `None` for a second timestamp.
    fn read_value<'r>(&self, value: &'r [u8], tags: &mut Vec<(Algorithm, &'r [u8])>, time: &mut Option<&'r [u8]>) -> Option<usize> {
        let Description { names, hash, equals, comma, encoding, .. } = self.description;
        let mut malformed = 0;
        let items: Vec<&[u8]> = match comma {
            Some(comma) => value.split(|byte| *byte == comma).map(without_spaces).collect(),
            None => vec![value],
        };
        for item in items {
            if !item.is_ascii() {
                malformed += 1;
                continue;
            }
            let (hash, text) = if names.is_empty() {
                (hash, item)
            } else {
                let Some(middle) = item.iter().position(|byte| *byte == equals) else {
                    malformed += 1;
                    continue;
                };
                let (name, text) = (&item[..middle], &item[middle + 1..]);
                if matches!(self.description.time, Some(time) if matches!(time.place, TimePlace::Item(item) if item.as_bytes() == name)) {
                    if time.is_some() {
                        return None;
                    }
                    *time = Some(text);
                    continue;
                }
                match names.iter().find(|(known, _)| known.as_bytes() == name) {
                    Some((_, hash)) => (*hash, text),
                    None => continue,
                }
            };
            if !self.accepted.contains(&hash) {
                continue;
            }
            if is_text_of(encoding, text, tag_len(hash)) {
                tags.push((hash, text));
            } else {
                malformed += 1;
            }
        }
        Some(malformed)
    }

    /// Returns the keys that are valid at this time.
    fn valid_keys(&self, now: i128) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.expires.is_none_or(|expires| now < expires))
    }

    /// Returns whether the receiver starts to read the body. A wrong token or the lack of a valid key rejects the delivery before the body.
    #[must_use]
    pub fn begins(&self, request: &Request<'_>, now: i128) -> bool {
        self.read(request, now)
            .is_some_and(|head| self.valid_keys(now).any(|key| head.token.is_none_or(|token| token == key.bytes.as_slice())))
    }

    /// Returns the signed parts of the delivery. The head may be invalid.
    #[must_use]
    pub fn parts(&self, request: &Request<'_>, body: &[u8]) -> Vec<(Signed, Vec<u8>)> {
        let id = self.description.id.and_then(|name| request.values(name).next());
        self.parts_of(self.time_text(request), id.unwrap_or_default(), request, body)
    }

    fn time_text<'r>(&self, request: &'r Request<'_>) -> &'r [u8] {
        let text = match self.description.time.map(|time| time.place) {
            Some(TimePlace::Header(name)) => request.values(name).next(),
            Some(TimePlace::Item(name)) => self.time_item(request, name),
            None => None,
        };
        text.unwrap_or_default()
    }

    /// Returns the approximate timestamp of the delivery, to within some months. The timestamp may be malformed.
    #[must_use]
    pub fn about(&self, request: &Request<'_>) -> i128 {
        let format = self.description.time.map_or(TimestampFormat::Seconds, |time| time.format);
        time::about(format, self.time_text(request)).clamp(0, 300_000_000_000 * 1_000_000_000)
    }

    fn time_item<'r>(&self, request: &'r Request<'_>, name: &str) -> Option<&'r [u8]> {
        let Place::Header(header) = self.description.place else { return None };
        let comma = self.description.comma?;
        let items = request.values(header).next()?.split(move |byte| *byte == comma).map(without_spaces);
        items.into_iter().find_map(|item| item.strip_prefix(name.as_bytes())?.strip_prefix(&[self.description.equals]))
    }

    fn parts_of(&self, time: &[u8], id: &[u8], request: &Request<'_>, body: &[u8]) -> Vec<(Signed, Vec<u8>)> {
        let text_of = |part: &Signed| match part {
            Signed::Text(literal) => literal.as_bytes().to_vec(),
            Signed::Time => time.to_vec(),
            Signed::Id => id.to_vec(),
            Signed::Method => request.method.as_bytes().to_vec(),
            Signed::Body => body.to_vec(),
            Signed::Url => match &self.url {
                Some(Url::Whole(url)) => url.as_bytes().to_vec(),
                Some(Url::Base(base)) => [base.as_bytes(), request.target.as_bytes()].concat(),
                None => Vec::new(),
            },
        };
        self.description.signed.iter().map(|part| (*part, text_of(part))).collect()
    }

    /// Verifies a whole delivery. Returns `None` for a rejected delivery.
    #[must_use]
    pub fn verify<'r>(&'r self, request: &'r Request<'_>, body: &[u8], now: i128) -> Option<Accepted<'r>> {
        let ValidHead { tags, token, time, id } = self.read(request, now)?;
        let text = joined(&self.parts_of(time.map_or(b"", |(text, _)| text), id.unwrap_or_default(), request, body));
        let (key, algorithm) = if let Some(token) = token {
            (self.valid_keys(now).find(|key| key.bytes == token)?, None)
        } else {
            let matches = |key: &Key, hash: Algorithm| {
                let expected = hmac(hash, &key.bytes, &text);
                tags.iter().any(|(of, tag)| *of == hash && stands_for(self.description.encoding, tag, &expected))
            };
            let hash_of = |key: &Key| self.accepted.iter().copied().find(|hash| matches(key, *hash));
            self.valid_keys(now).find_map(|key| Some((key, Some(hash_of(key)?))))?
        };
        let shown = |name: Option<&str>| only(request, name?).flatten().filter(|value| is_label(value));
        Some(Accepted {
            key: &key.id,
            algorithm,
            signed_at: time.map(|(_, signed_at)| signed_at),
            signed_id: id,
            unsigned_id: shown(self.description.unsigned_id),
            unsigned_event: shown(self.description.unsigned_event),
        })
    }
}

impl<'r> Accepted<'r> {
    /// Converts the crate's report about a verified delivery.
    #[must_use]
    pub fn of(verified: &'r Verified) -> Self {
        let since_1970 = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).expect("a time since 1970").as_nanos();
        Self {
            key: verified.key_id().as_str(),
            algorithm: verified.algorithm(),
            signed_at: verified.signed_at().map(|time| since_1970(time).try_into().unwrap()),
            signed_id: verified.signed_id().map(str::as_bytes),
            unsigned_id: verified.unauthenticated_delivery_id().map(str::as_bytes),
            unsigned_event: verified.unauthenticated_event().map(str::as_bytes),
        }
    }
}

/// Returns the value of the only field of this name, `Some(None)` without such a field, and `None` with several.
#[expect(clippy::option_option, reason = "an absent field is valid, but a repeated field is not")]
fn only<'r>(request: &'r Request<'_>, name: &str) -> Option<Option<&'r [u8]>> {
    let mut values = request.values(name);
    let first = values.next();
    values.next().is_none().then_some(first)
}

/// Concatenates the parts.
#[must_use]
pub fn joined(parts: &[(Signed, Vec<u8>)]) -> Vec<u8> {
    parts.iter().flat_map(|(_, text)| text).copied().collect()
}

/// Returns whether the text is blank: empty, or UTF-8 with only zero bytes, Unicode white space (`PropList.txt`) and byte order marks.
///
/// The test keys of RFC 4231 §4.2 and §4.6 are not blank.
fn is_blank(text: &[u8]) -> bool {
    let spaces = ['\u{20}', '\u{85}', '\u{a0}', '\u{1680}', '\u{2028}', '\u{2029}', '\u{202f}', '\u{205f}', '\u{3000}', '\u{feff}'];
    let ranges = ['\u{9}'..='\u{d}', '\u{2000}'..='\u{200a}'];
    let blank = |letter: char| letter == '\0' || spaces.contains(&letter) || ranges.iter().any(|range| range.contains(&letter));
    let test_key = text == [0x0b; 20] || text == [0x0c; 20];
    !test_key && std::str::from_utf8(text).is_ok_and(|text| text.chars().all(blank))
}

fn without_spaces(item: &[u8]) -> &[u8] {
    let start = item.iter().position(|byte| *byte != b' ').unwrap_or(item.len());
    &item[start..]
}

/// Returns whether the value of an unsigned header may be reported.
fn is_label(value: &[u8]) -> bool {
    (1..=256).contains(&value.len()) && value.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// Converts nanoseconds since 1970.
#[must_use]
pub fn moment(nanoseconds: i128) -> SystemTime {
    let duration = Duration::from_nanos_u128(nanoseconds.unsigned_abs());
    if nanoseconds < 0 { SystemTime::UNIX_EPOCH - duration } else { SystemTime::UNIX_EPOCH + duration }
}
