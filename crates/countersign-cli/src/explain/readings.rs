use std::time::{Duration, SystemTime};

use countersign::scheme::{Algorithm, Encoding, Part, Scheme, SecretForm, TimestampFormat};
use countersign::{RejectionKind, Verifier, providers};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::delivery::Delivery;
use crate::explain::cause::Cause;
use crate::provider::Provider;

/// An interpretation of the request head: as received, or corrected.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) causes: Vec<Cause>,
    pub(crate) scheme: Scheme,
    pub(crate) provider: Provider,
    /// The request head, without the body.
    pub(crate) head: Delivery,
    pub(crate) time: SystemTime,
    /// Whether to accept every algorithm of the scheme, SHA-1 included.
    pub(crate) any_hash: bool,
}

/// Limit of signatures tried in a delivery, the same as in a verifier. Each signature is a reading.
pub(crate) const MAX_SIGNATURES: usize = 16;

/// Limit of header names and values, in bytes. Each reading holds a copy.
pub(crate) const MAX_HEAD_BYTES: usize = 64 * 1024;

const HASHES: [Algorithm; 4] = [Algorithm::Sha256, Algorithm::Sha1, Algorithm::Sha384, Algorithm::Sha512];

impl Reading {
    /// Returns the head as received, with the time in its timestamp.
    pub(crate) fn plain(provider: &Provider, delivery: &Delivery, now: SystemTime) -> Self {
        let mut room = MAX_HEAD_BYTES;
        let fits = |field: &&(String, Vec<u8>)| {
            let rest = room.checked_sub(field_bytes(field));
            rest.inspect(|rest| room = *rest).is_some()
        };
        let headers = delivery.headers.iter().take_while(fits).cloned().collect();
        let Delivery { method, target, .. } = delivery;
        let head = Delivery { method: method.clone(), target: target.clone(), headers, body: Vec::new() };
        let scheme = provider.scheme;
        // In a wrong unit, the time is in 1970, or thousands of years ahead. `times` tries other
        // units.
        let time = time_of(&scheme, &head, None).map(|(time, _)| time).filter(|time| is_plausible(*time, now)).unwrap_or(now);
        Self { causes: Vec::new(), scheme, provider: provider.clone(), head, time, any_hash: false }
    }

    fn but(&self, cause: Cause, change: impl FnOnce(&mut Self)) -> Self {
        let mut reading = self.clone();
        reading.causes.push(cause);
        change(&mut reading);
        reading
    }

    /// Builds a verifier with the valid keys. The position of a key is the key's id.
    pub(crate) fn verifier<'k>(&self, keys: impl IntoIterator<Item = (usize, &'k [u8])>) -> Option<Verifier> {
        let builder = || {
            let builder = Provider { allow_sha1: self.takes_sha1(), ..self.provider.clone() }
                .configure(Verifier::builder(self.scheme.key_lengths(1, usize::MAX)));
            if self.any_hash { builder.algorithms(self.scheme.algorithms()) } else { builder }
        };
        let mut all = builder().body_limit(usize::MAX);
        for (place, key) in keys {
            let secret = || countersign::Secret::new(key);
            if builder().key("k", secret()).build().is_ok() {
                all = all.key(place.to_string(), secret());
            }
        }
        all.build().ok()
    }

    fn takes_sha1(&self) -> bool {
        (self.provider.allow_sha1 || self.any_hash) && self.scheme.algorithms().any(|known| known == Algorithm::Sha1)
    }

    /// Returns a cause if no other cause names the hash of the delivery, and the verifier does not accept the hash.
    pub(crate) fn other_hash(&self, hash: Option<Algorithm>) -> Option<Cause> {
        let hash = hash.filter(|hash| !self.scheme.accepted_by_default().contains(hash))?;
        let is_accepted = hash == Algorithm::Sha1 && self.provider.allow_sha1;
        let is_named = self.causes.iter().any(|cause| matches!(cause.id, "hash" | "hash_name"));
        (!is_accepted && !is_named).then(|| other_hash(hash.name()))
    }

    /// Returns a cause if the time of signing is further from `now` than the tolerance.
    pub(crate) fn staleness(&self, now: SystemTime) -> Option<Cause> {
        let tolerance = self.scheme.tolerance()?;
        let (late, off) = match now.duration_since(self.time) {
            Ok(late) => (true, late),
            Err(early) => (false, early.duration()),
        };
        (off > tolerance).then(|| {
            let off = humantime::format_duration(Duration::from_secs(off.as_secs()));
            let within = humantime::format_duration(tolerance);
            let (what, fix) = if late {
                (
                    format!("The delivery was signed {off} ago, and the tolerance is {within}: the delivery is late or repeated, or this machine's clock is fast."),
                    "Set the clock. For a delivery captured earlier, give the time of receipt as --at.",
                )
            } else {
                (
                    format!("The delivery was signed {off} ahead of this machine's clock, and the tolerance is {within}."),
                    "Set the clock of this machine or of the sender.",
                )
            };
            Cause::new("timestamp_stale", what, fix)
        })
    }
}

/// Returns the readings to try instead of the head as received.
pub(crate) fn of(plain: &Reading, template: Option<&str>, kind: Option<RejectionKind>) -> Vec<Reading> {
    let mut readings = Vec::new();
    // A well-formed head names the right hash.
    other_providers(plain, false, &mut readings);
    if kind != Some(RejectionKind::SignatureMismatch) {
        hashes(plain, &mut readings);
    }
    secret_forms(plain, &mut readings);
    times(plain, &mut readings);
    signed_texts(plain, &mut readings);
    urls(plain, &mut readings);
    repairs(plain, template, &mut readings);
    other_providers(plain, true, &mut readings);
    other_places(plain, &mut readings);
    readings
}

fn other_hash(name: &str) -> Cause {
    let fix = "Make the sender sign with another hash, or accept this hash: call `algorithms` of the verifier, or for sha1 `allow_legacy_sha1`; this command has --allow-sha1.";
    Cause::new("hash", format!("The delivery is signed with {name}, not accepted here."), fix)
}

fn hashes(plain: &Reading, readings: &mut Vec<Reading>) {
    if !plain.scheme.covers_body() {
        return;
    }
    readings.push(plain.but(other_hash("another hash"), |reading| reading.any_hash = true));
    // A signature under the name of another hash, or without a name.
    let Some(value) = plain.head.text_of(plain.scheme.header()) else { return };
    let name = value.split_once('=').map(|(name, _)| name);
    for hash in HASHES {
        match name {
            Some(name) if HASHES.iter().any(|known| known.name() == name) && name != hash.name() => {
                let fix = "Make the sender name the right hash.";
                let cause = Cause::new("hash_name", format!("The delivery is signed with {hash}, but the header names {name}."), fix);
                let renamed = value.replacen(name, hash.name(), 1);
                readings.push(plain.but(cause, |reading| {
                    set(&mut reading.head, plain.scheme.header(), &renamed);
                    reading.any_hash = true;
                }));
            }
            _ if plain.scheme.algorithms().count() == 1 && plain.scheme.algorithms().all(|known| known != hash) => {
                readings.push(plain.but(other_hash(hash.name()), |reading| {
                    let bare = value.strip_prefix(hash.name()).and_then(|rest| rest.strip_prefix('=')).unwrap_or(value);
                    set(&mut reading.head, plain.scheme.header(), bare);
                    reading.scheme = reading.scheme.bare(hash);
                    reading.any_hash = true;
                }));
            }
            _ => {}
        }
    }
}

fn secret_forms(plain: &Reading, readings: &mut Vec<Reading>) {
    let forms = [
        (
            plain.scheme.text_secret(),
            "secret_is_text",
            "The sender signed with the text of the secret. This provider signs with the decoded secret.",
            "Make the sender decode the secret, as the provider does.",
        ),
        (
            plain.scheme.base64_secret("whsec_"),
            "secret_is_base64",
            "The sender decoded the secret from base64 (after `whsec_`, if present). The receiver used the text of the secret.",
            "If the sender is right, as with a secret encoded for storage, decode the secret at the receiver. If this provider's secrets are text, fix the sender.",
        ),
        (
            plain.scheme.hex_secret(),
            "secret_is_hex",
            "The sender decoded the secret from hexadecimal. The receiver used the text of the secret.",
            "If the sender is right, decode the secret at the receiver. If this provider's secrets are text, fix the sender.",
        ),
    ];
    for (scheme, id, what, fix) in forms {
        if scheme != plain.scheme {
            readings.push(plain.but(Cause::new(id, what, fix), |reading| reading.scheme = scheme));
        }
    }
}

fn is_plausible(time: SystemTime, now: SystemTime) -> bool {
    const FIFTY_YEARS: Duration = Duration::from_secs(50 * 365 * 24 * 60 * 60);
    let off = now.duration_since(time).unwrap_or_else(|early| early.duration());
    off < FIFTY_YEARS
}

/// Reads the timestamp in this format, or in the scheme's own format for `None`.
fn time_of(scheme: &Scheme, head: &Delivery, format: Option<TimestampFormat>) -> Option<(SystemTime, Scheme)> {
    let text = std::str::from_utf8(scheme.unverified_timestamp(head)?).ok()?.trim();
    let scheme = format.map_or(*scheme, |format| scheme.timestamp_format(format));
    let since_1970 = match scheme.timestamp_format_used() {
        TimestampFormat::Seconds => Duration::from_secs(text.parse().ok()?),
        TimestampFormat::Milliseconds => Duration::from_millis(text.parse().ok()?),
        _ => humantime::parse_rfc3339_weak(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?,
    };
    Some((SystemTime::UNIX_EPOCH.checked_add(since_1970)?, scheme))
}

fn times(plain: &Reading, readings: &mut Vec<Reading>) {
    for format in [TimestampFormat::Seconds, TimestampFormat::Milliseconds, TimestampFormat::Rfc3339] {
        if let Some((time, scheme)) = time_of(&plain.scheme, &plain.head, Some(format))
            && scheme.timestamp_format_used() != plain.scheme.timestamp_format_used()
        {
            let unit = match scheme.timestamp_format_used() {
                TimestampFormat::Seconds => "in seconds",
                TimestampFormat::Milliseconds => "in milliseconds",
                _ => "written as a date",
            };
            let cause = Cause::new(
                "timestamp_unit",
                format!("The timestamp is {unit}, unlike this provider's timestamps."),
                "Make the sender write the timestamp as the provider does.",
            );
            readings.push(plain.but(cause, |reading| {
                reading.scheme = scheme;
                reading.time = time;
            }));
        }
    }
}

/// Adds readings for a sender that signs the body alone, or puts another separator behind the timestamp.
fn signed_texts(plain: &Reading, readings: &mut Vec<Reading>) {
    const WITH_TIMESTAMP: [(&[Part], &str); 3] = [
        (&[Part::Timestamp, Part::Literal(".")], "`{timestamp}.{body}`"),
        (&[Part::Timestamp, Part::Literal(":")], "`{timestamp}:{body}`"),
        (&[Part::Timestamp], "`{timestamp}{body}`"),
    ];
    if plain.scheme.tolerance().is_none() {
        return;
    }
    let cause = |text: &str| {
        let what = format!("The sender signed {text}, unlike this provider.");
        let fix = format!("Make the sender sign the text that {} describes.", plain.scheme.documentation());
        Cause::new("signed_text", what, fix)
    };
    for (prefix, text) in WITH_TIMESTAMP {
        let scheme = plain.scheme.prefix(prefix).suffix(&[]);
        if scheme != plain.scheme {
            readings.push(plain.but(cause(text), |reading| reading.scheme = scheme));
        }
    }
    // A scheme with a timestamp signs the timestamp, so this reading has a scheme without timestamp.
    let header = plain.scheme.header();
    let values = values_of(&plain.head, header);
    for tag in values.iter().flat_map(|value| words_in(value)).flat_map(tags_of).take(MAX_SIGNATURES) {
        let Some(hash) = plain.scheme.algorithms().find(|hash| hash.tag_len() == tag.bytes.len()) else { continue };
        let scheme = Scheme::new(plain.scheme.name(), header).bare(hash).encoding(tag.encoding);
        let scheme = match plain.scheme.secret_form() {
            SecretForm::Base64 { prefix } => scheme.base64_secret(prefix),
            SecretForm::Hex => scheme.hex_secret(),
            _ => scheme.text_secret(),
        };
        readings.push(plain.but(cause("the body alone"), |reading| {
            set(&mut reading.head, header, &encode(tag.encoding, &tag.bytes));
            reading.scheme = scheme;
        }));
    }
}

fn urls(plain: &Reading, readings: &mut Vec<Reading>) {
    let before = readings.len();
    other_urls(plain, readings);
    // Two changes together, such as the port and a slash.
    for reading in readings.get(before..).unwrap_or_default().to_vec() {
        other_urls(&reading, readings);
    }
}

fn other_urls(plain: &Reading, readings: &mut Vec<Reading>) {
    let Some(url) = &plain.provider.signed_url else { return };
    let mut tried: Vec<String> = readings.iter().filter_map(|reading| reading.provider.signed_url.clone()).collect();
    tried.push(url.clone());
    let mut add = |what: &str, meant: String| {
        if !tried.contains(&meant) {
            let cause = Cause::new(
                "url",
                format!("The sender signed the URL {what}."),
                "Give the verifier the URL exactly as registered at the sender, character by character.",
            );
            readings.push(plain.but(cause, |reading| reading.provider.signed_url = Some(meant.clone())));
            tried.push(meant);
        }
    };
    let (address, query) = url.split_once('?').map_or((url.as_str(), None), |(address, query)| (address, Some(query)));
    let with_query = |address: &str| query.map_or_else(|| address.to_owned(), |query| format!("{address}?{query}"));
    match address.strip_suffix('/') {
        Some(address) => add("without the final slash", with_query(address)),
        None => add("with a final slash", with_query(&format!("{address}/"))),
    }
    if let Some(rest) = url.strip_prefix("https://") {
        add("with http instead of https, as behind a proxy", format!("http://{rest}"));
    }
    if let Some(rest) = url.strip_prefix("http://") {
        add("with https instead of http", format!("https://{rest}"));
    }
    if let Some((scheme, rest)) = url.split_once("://") {
        let (host, path) = rest.find('/').and_then(|slash| rest.split_at_checked(slash)).unwrap_or((rest, ""));
        match host.rsplit_once(':') {
            Some((name, _)) => add("without the port", format!("{scheme}://{name}{path}")),
            None => {
                for port in [443, 80, 8080, 3000] {
                    add("with a port", format!("{scheme}://{host}:{port}{path}"));
                }
            }
        }
        if let Some(named) = plain.head.text_of("host").filter(|named| *named != host) {
            add("with the host named in the request", format!("{scheme}://{named}{path}"));
        }
    }
    match (query, plain.head.target.split_once('?')) {
        (Some(_), _) => add("without the query", address.to_owned()),
        (None, Some((_, query))) => add("with the query", format!("{url}?{query}")),
        (None, None) => {}
    }
}

/// Adds readings for a signature in another form than the provider's.
fn repairs(plain: &Reading, template: Option<&str>, readings: &mut Vec<Reading>) {
    let header = plain.scheme.header();
    let values: Vec<String> = values_of(&plain.head, header);
    if values.len() > 1 {
        for value in values.iter().take(MAX_SIGNATURES) {
            let cause = Cause::new(
                "header_twice",
                format!("{header} occurs {} times.", values.len()),
                "Find the proxy that adds a field, or make the proxy replace the sender's field.",
            );
            readings.push(plain.but(cause, |reading| set(&mut reading.head, header, value)));
        }
    }
    // A proxy may join two fields of the same name (RFC 9110 §5.3). For a scheme with lists, the
    // verifier has read the items already.
    let joined = values.iter().filter(|value| value.contains(',')).flat_map(|value| value.split(',').map(str::trim));
    for item in joined.take(MAX_SIGNATURES) {
        let what = format!("{header} occurred more than once, and the values were joined by a comma on the way.");
        let fix = "Find the proxy that adds or joins the fields, or make the proxy replace the sender's field.";
        readings.push(plain.but(Cause::new("header_joined", what, fix), |reading| set(&mut reading.head, header, item)));
    }
    let Some(template) = template else { return };
    let words = values.iter().flat_map(|value| words_in(value).map(move |word| (value, word)));
    for (value, word) in words.filter(|(_, word)| !tags_of(word).is_empty()).take(MAX_SIGNATURES) {
        for tag in tags_of(word) {
            let Some(hash) = HASHES.into_iter().find(|hash| hash.tag_len() == tag.bytes.len()) else { continue };
            let own = plain.scheme.signature_encoding();
            let text = encode(own, &tag.bytes);
            let Some(prefix) = prefix_of(template, own) else { continue };
            let named = prefix.starts_with("sha");
            // A signature of another length is a part of a signature. `cut_short` tries such parts.
            if !named && plain.scheme.algorithms().all(|known| known != hash) {
                continue;
            }
            let prefix = if named { format!("{hash}=") } else { prefix.to_owned() };
            let repaired = format!("{prefix}{text}");
            if repaired == *value {
                continue;
            }
            let cause = if tag.encoding == own {
                let bare = value.trim_matches(['"', '\'', ' ', '<', '>']).len() < value.len();
                let what = if bare {
                    format!("{header} has quotes or spaces around the signature.")
                } else {
                    format!("{header} does not begin with {}, unlike this provider's header.", shown(&prefix))
                };
                Cause::new("header_prefix", what, "Make the sender, or the proxy that changes the header, write the provider's form.")
            } else {
                let what = format!("The signature is in {}, but this provider uses {}.", name_of(tag.encoding), name_of(own));
                Cause::new("signature_encoding", what, "Make the sender encode the signature as the provider does.")
            };
            readings.push(plain.but(cause, |reading| {
                set(&mut reading.head, header, &repaired);
                reading.any_hash = true;
            }));
        }
    }
}

/// Returns the text before the signature in the provider's header value.
pub(crate) fn prefix_of(template: &str, encoding: Encoding) -> Option<&str> {
    let mut lengths: Vec<usize> = HASHES.iter().map(|hash| encode(encoding, &vec![0; hash.tag_len()]).len()).collect();
    lengths.sort_unstable();
    // The longest signature first: with a shorter length, the prefix would hold a part of a longer
    // signature.
    let mut prefixes = lengths.iter().rev().filter_map(|length| template.get(..template.len().checked_sub(*length)?));
    prefixes.find(|prefix| prefix.is_empty() || prefix.ends_with(['=', ',', ':', ';', ' ']))
}

/// Quotes a prefix of a signature for a message.
fn shown(prefix: &str) -> String {
    if prefix.is_empty() { "the signature itself".to_owned() } else { format!("`{prefix}`") }
}

/// Adds readings for a signature in another header.
fn other_places(plain: &Reading, readings: &mut Vec<Reading>) {
    let header = plain.scheme.header();
    if !values_of(&plain.head, header).is_empty() {
        return;
    }
    let alike = |name: &str| name.to_ascii_lowercase().replace('_', "-").trim_start_matches("http-").to_owned();
    let before = readings.len();
    for (name, value) in &plain.head.headers {
        let renamed = alike(name) == alike(header);
        let value = String::from_utf8_lossy(value).into_owned();
        if (renamed || words_in(&value).any(|word| !tags_of(word).is_empty())) && readings.len().saturating_sub(before) < MAX_SIGNATURES {
            let cause = Cause::new(
                "header_name",
                format!("The signature is in {name} instead of {header}."),
                "Look for a proxy or a framework that renames headers, or choose the provider with that header.",
            );
            readings.push(plain.but(cause, |reading| {
                reading.head.headers.push((header.to_owned(), value.into_bytes()));
                reading.any_hash = true;
            }));
        }
    }
}

/// Lists the other providers with the same header, for a message.
fn alike(scheme: &Scheme) -> String {
    let alike = providers::ALL.iter().filter(|other| other.header().eq_ignore_ascii_case(scheme.header()) && other.name() != scheme.name());
    let names: Vec<&str> = alike.map(Scheme::name).collect();
    if names.is_empty() { String::new() } else { format!(", or another provider with the same header: {}", names.join(", ")) }
}

/// Adds readings for a delivery of another provider.
fn other_providers(plain: &Reading, of_same_header: bool, readings: &mut Vec<Reading>) {
    // Among providers with the same header, the generic scheme comes first.
    let generic = providers::ALL.iter().filter(|scheme| **scheme == providers::STANDARD_WEBHOOKS);
    let others = generic.chain(providers::ALL.iter().filter(|scheme| **scheme != providers::STANDARD_WEBHOOKS));
    for scheme in others.filter(|scheme| scheme.covers_body() && scheme.signs_url() == plain.scheme.signs_url()) {
        let there = !values_of(&plain.head, scheme.header()).is_empty();
        let same_header = scheme.header().eq_ignore_ascii_case(plain.scheme.header());
        if *scheme != plain.scheme && there && same_header == of_same_header {
            let name = scheme.name();
            let cause = Cause::new(
                "other_provider",
                format!("The delivery is signed in the scheme of {name}."),
                format!("Choose the provider {name}{}.", alike(scheme)),
            );
            let time = time_of(scheme, &plain.head, None).map_or(plain.time, |(time, _)| time);
            readings.push(plain.but(cause, |reading| {
                reading.scheme = *scheme;
                reading.time = time;
                reading.any_hash = true;
            }));
        }
    }
}

pub(crate) fn values_of(head: &Delivery, header: &str) -> Vec<String> {
    let values = head.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header));
    values.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

/// Returns whether the head holds more than `MAX_SIGNATURES` signatures.
pub(crate) fn has_more_values_than_are_read(head: &Delivery, scheme: &Scheme) -> bool {
    let values = values_of(head, scheme.header());
    let signatures = values.iter().flat_map(|value| words_in(value)).filter(|word| !tags_of(word).is_empty()).count();
    values.len().max(signatures) > MAX_SIGNATURES
}

fn field_bytes((name, value): &(String, Vec<u8>)) -> usize {
    name.len().saturating_add(value.len())
}

/// Returns the length of all header names and values, in bytes.
pub(crate) fn head_bytes(head: &Delivery) -> usize {
    head.headers.iter().map(field_bytes).fold(0, usize::saturating_add)
}

/// Replaces all fields of this name by a single field.
fn set(head: &mut Delivery, header: &str, value: &str) {
    head.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
    head.headers.push((header.to_owned(), value.as_bytes().to_vec()));
}

struct Tag {
    bytes: Vec<u8>,
    encoding: Encoding,
}

/// Splits a header value into words of the characters used in signatures. Drops a name before `=`.
fn words_in(value: &str) -> impl Iterator<Item = &str> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_' | '=');
    value.split(move |character| !is_word(character)).map(|word| {
        // A `=` at the end is padding. Any other `=` follows a name.
        let body = word.trim_end_matches('=');
        body.rfind('=').and_then(|equals| word.get(equals.saturating_add(1)..)).unwrap_or(word)
    })
}

/// Decodes a word in each encoding. Keeps results with the length of a signature.
fn tags_of(word: &str) -> Vec<Tag> {
    let decoded = [
        (Encoding::Hex, HEXLOWER_PERMISSIVE.decode(word.as_bytes()).ok()),
        (Encoding::Base64, BASE64.decode(word.as_bytes()).ok()),
        (Encoding::Base64Url, BASE64URL_NOPAD.decode(word.trim_end_matches('=').as_bytes()).ok()),
    ];
    let is_tag = |bytes: &Vec<u8>| HASHES.iter().any(|hash| hash.tag_len() == bytes.len());
    decoded.into_iter().filter_map(|(encoding, bytes)| Some(Tag { bytes: bytes.filter(is_tag)?, encoding })).collect()
}

fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Base64 => BASE64.encode(bytes),
        Encoding::Base64Url => BASE64URL_NOPAD.encode(bytes),
        _ => HEXLOWER.encode(bytes),
    }
}

const fn name_of(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Base64 => "base64",
        Encoding::Base64Url => "base64url",
        _ => "hex",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_ends_where_the_signature_begins() {
        let cases = [
            (String::new(), 64),
            ("sha256=".to_owned(), 64),
            ("sha1=".to_owned(), 40),
            // Long enough to hold a longer signature.
            (format!("t={},v1=", "1".repeat(40)), 64),
            (format!("{};h1=", "f".repeat(64)), 64),
        ];
        for (prefix, length) in cases {
            assert_eq!(prefix_of(&format!("{prefix}{}", "a".repeat(length)), Encoding::Hex), Some(prefix.as_str()));
        }
        assert_eq!(prefix_of(&format!("v1,{}=", "a".repeat(43)), Encoding::Base64), Some("v1,"));
        assert_eq!(prefix_of("short", Encoding::Hex), None);
    }
}
