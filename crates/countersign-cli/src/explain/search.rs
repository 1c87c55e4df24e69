use std::io::{self, Write};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use countersign::{RejectionKind, providers};

use crate::case::Input;
use crate::explain::bodies::{self, Body};
use crate::explain::cause::Cause;
use crate::explain::keys::{self, Key};
use crate::explain::readings::{self, Reading};
use crate::explain::time_limit::{SMALL, TimeLimit};

/// The result of a search.
pub(crate) enum Diagnosis {
    /// The delivery verifies with all these causes fixed, and only then.
    Found(Vec<Cause>),
    /// No attempt verified, but the delivery has these suspicious features.
    Suspected(Vec<Cause>),
    Unknown,
}

impl Diagnosis {
    pub(crate) fn causes(&self) -> &[Cause] {
        match self {
            Self::Found(causes) | Self::Suspected(causes) => causes,
            Self::Unknown => &[],
        }
    }
}

/// Returns the causes excluded by a complete search without a result.
fn ruled_out(input: &Input, kind: Option<RejectionKind>, others: usize) -> Vec<&'static str> {
    let scheme = &input.provider.scheme;
    // Without a signature or a valid secret, there was nothing to try.
    if kind.is_none_or(|kind| kind == RejectionKind::MissingSignature) {
        return Vec::new();
    }
    let mut ruled_out = vec![
        "white space, quotes, a byte order mark, a NUL, a comment or a variable name around the secret; a missing or extra `whsec_`; letters in the wrong case",
    ];
    if !scheme.covers_body() {
        return ruled_out;
    }
    ruled_out.extend([
        "text, hex and base64 confused in the secret",
        "line breaks or white space around the body, converted line breaks, a byte order mark, HTML escapes, JSON sent as a form, an empty body",
        "re-serialized JSON, as far as reproducible: without white space, as Python writes it, indented by two spaces, four spaces or tabs; with keys sorted by the sender; with escapes",
        "a body compressed or decompressed on the way (as far as reproducible), a converted charset (Latin-1, UTF-16)",
        "another hash, the name of another hash, the header or form of another provider, a renamed, repeated or joined header",
        "a missing or extra prefix of the signature, hex and base64 confused in the signature, a signature cut short",
    ]);
    if scheme.tolerance().is_some() {
        ruled_out.push("a stale timestamp, a timestamp in another unit");
        ruled_out.push("a signature of the body alone, or of timestamp and body with another separator");
    }
    if scheme.signs_url() {
        ruled_out.push("a URL with another slash, scheme, port, host or query");
    }
    if others.saturating_add(input.others.len()) > 0 {
        ruled_out.push("the bodies of the other requests given");
    }
    ruled_out
}

/// Minimum length of a cut signature, in characters.
const SHORTEST_CUT: usize = 8;

/// Limit of threads hashing a large body.
const MAX_THREADS: usize = 4;

/// The result of a search, with the causes excluded and the attempts left out.
pub(crate) struct Search {
    pub(crate) diagnosis: Diagnosis,
    /// Excluded causes, in words for the user. Empty if the search found the cause, or had no time
    /// for all attempts.
    pub(crate) ruled_out: Vec<&'static str>,
    /// Attempts left out, in words for the user.
    pub(crate) left_out: Vec<String>,
}

/// Searches for the cause of a rejection, for at most `time`.
pub(crate) fn search(input: &Input, kind: Option<RejectionKind>, others: &[Vec<u8>], time: Duration) -> Search {
    let limit = TimeLimit::of(time);
    let diagnosis = find(input, kind, others, &limit);
    let mut left_out = Vec::new();
    let found = matches!(diagnosis, Diagnosis::Found(_));
    if !found && input.provider.scheme.covers_body() {
        if readings::head_bytes(&input.delivery) > readings::MAX_HEAD_BYTES {
            left_out.push(format!("headers past the first {} KiB", readings::MAX_HEAD_BYTES / 1024));
        }
        if readings::has_more_values_than_are_read(&input.delivery, &input.provider.scheme) {
            left_out.push(format!("signatures past the first {}", readings::MAX_SIGNATURES));
        }
        let begins_as_json = matches!(input.delivery.body.trim_ascii_start(), [b'{' | b'[', ..]);
        if begins_as_json && !bodies::is_small_enough_to_parse(&input.delivery.body) {
            left_out.push("re-serialized JSON: the body has too many values".to_owned());
        }
        if limit.was_cut_short() {
            left_out.push(format!("attempts beyond the time limit of {}", humantime::format_duration(time)));
        }
    }
    let ruled_out = if found || limit.was_cut_short() { Vec::new() } else { ruled_out(input, kind, others.len()) };
    Search { diagnosis, ruled_out, left_out }
}

fn find(input: &Input, kind: Option<RejectionKind>, others: &[Vec<u8>], limit: &TimeLimit) -> Diagnosis {
    let plain = Reading::plain(&input.provider, &input.delivery, input.now);
    let keys = keys::of(&input.secrets);
    let given = input.secrets.len();
    let body = &input.delivery.body;
    let in_pairs = if body.len() > SMALL { keys.iter().take_while(|key| !key.is_unlikely()).count() } else { keys.len() };
    let search = Attempts { input, keys: &keys, given, in_pairs, body, limit };
    let parsed = bodies::parse(body);
    let bodies = if plain.scheme.covers_body() {
        bodies::of(search.body, parsed.as_ref(), input.others.iter().chain(others), limit)
    } else {
        Vec::new()
    };
    let template = search.template(&plain, given);
    let readings = readings::of(&plain, template.as_deref(), kind);
    let found = search.singly(&plain, &bodies, &readings).or_else(|| search.in_pairs(&plain, &bodies, &readings));
    let found = found.or_else(|| search.cut_short(&plain, &bodies));
    let found = found.or_else(|| if search.body.len() <= SMALL { search.in_threes(&bodies, &readings) } else { None });
    if let Some(causes) = found {
        return Diagnosis::Found(causes);
    }
    let suspected = suspicions(input, kind);
    if suspected.is_empty() { Diagnosis::Unknown } else { Diagnosis::Suspected(suspected) }
}

struct Attempts<'a> {
    input: &'a Input,
    keys: &'a [Key],
    /// Number of secrets as given, at the start of `keys`.
    given: usize,
    /// Number of keys to try in pairs with a body or a reading.
    in_pairs: usize,
    body: &'a [u8],
    limit: &'a TimeLimit,
}

impl Attempts<'_> {
    fn singly(&self, plain: &Reading, bodies: &[Body<'_>], readings: &[Reading]) -> Option<Vec<Cause>> {
        let with_keys = self.attempt(plain, self.keys.len(), None).or_else(|| self.over_bodies(plain, self.given, bodies));
        with_keys.or_else(|| readings.iter().find_map(|reading| self.attempt(reading, self.given, None)))
    }

    fn in_pairs(&self, plain: &Reading, bodies: &[Body<'_>], readings: &[Reading]) -> Option<Vec<Cause>> {
        let keys_and_bodies = self.over_bodies(plain, self.in_pairs, bodies);
        let keys_and_readings = || readings.iter().find_map(|reading| self.attempt(reading, self.in_pairs, None));
        let readings_and_bodies = || readings.iter().find_map(|reading| self.over_bodies(reading, self.given, bodies));
        keys_and_bodies.or_else(keys_and_readings).or_else(readings_and_bodies)
    }

    fn in_threes(&self, bodies: &[Body<'_>], readings: &[Reading]) -> Option<Vec<Cause>> {
        readings.iter().find_map(|reading| self.over_bodies(reading, self.keys.len(), bodies))
    }

    /// Tries each body, and returns the causes for the first match. Most of the time goes into
    /// hashing a large body, so up to `MAX_THREADS` threads take part.
    fn over_bodies(&self, reading: &Reading, keys: usize, bodies: &[Body<'_>]) -> Option<Vec<Cause>> {
        let threads = if self.body.len() > SMALL { thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS) } else { 1 };
        let (next, first) = (AtomicUsize::new(0), Mutex::new(None));
        let attempt_all = || {
            while let Some((place, body)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|place| Some((place, bodies.get(place)?))) {
                if !self.limit.is_left() {
                    return;
                }
                let Some(causes) = self.attempt(reading, keys, Some(body)) else { continue };
                // Later bodies need no attempt.
                next.store(bodies.len(), Ordering::Relaxed);
                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(other, _)| place < *other) {
                    *first = Some((place, causes));
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads.min(bodies.len()) {
                scope.spawn(attempt_all);
            }
            attempt_all();
        });
        first.into_inner().unwrap_or_else(PoisonError::into_inner).map(|(_, causes)| causes)
    }

    /// Verifies a body under a reading, with the first `keys` keys. Returns the causes if the
    /// delivery verifies.
    fn attempt(&self, reading: &Reading, keys: usize, body: Option<&Body<'_>>) -> Option<Vec<Cause>> {
        if !self.limit.is_left() {
            return None;
        }
        let keys = self.keys.get(..keys)?;
        let verifier = reading.verifier(keys.iter().enumerate().map(|(place, key)| (place, &key.bytes[..])))?;
        // The head alone rejects most readings, before any hashing.
        let mut verification = HashWriter(verifier.begin_at(&reading.head, reading.time).ok()?);
        match body {
            None => verification.0.update(self.body),
            Some(body) => body.stream(&mut verification, self.limit).then_some(())?,
        }
        let verified = verification.0.finish().ok()?;
        let place: usize = verified.key_id().as_str().parse().ok()?;
        let mut causes: Vec<Cause> = keys.get(place)?.cause.iter().cloned().collect();
        causes.extend(reading.other_hash(verified.algorithm()));
        for cause in &reading.causes {
            let mut cause = cause.clone();
            // The verifier has named the hash.
            if let (Some(hash), "hash") = (verified.algorithm(), cause.id) {
                cause.what = cause.what.replace("another hash", hash.name());
            }
            causes.push(cause);
        }
        causes.extend(body.map(|body| body.cause.clone()));
        causes.extend(reading.staleness(self.input.now));
        if causes.is_empty() {
            // The delivery verifies as received, but the secret breaks a rule of the provider.
            causes.push(Cause::new(
                "secret_length",
                "The secret is right, but does not have the length documented by the provider.",
                "Create a new secret at the provider, because a verifier rejects this length.",
            ));
        }
        Some(causes)
    }

    /// Returns the provider's header value for the first usable key among the first `keys` keys.
    fn template(&self, plain: &Reading, keys: usize) -> Option<String> {
        self.keys.get(..keys)?.iter().find_map(|key| self.expected(plain, key, self.body))
    }

    fn expected(&self, plain: &Reading, key: &Key, body: &[u8]) -> Option<String> {
        let scheme = plain.scheme.key_lengths(1, usize::MAX);
        let signer = countersign::Signer::builder(scheme, countersign::Secret::new(key.bytes.to_vec()));
        let signer = plain.provider.signed_url.iter().fold(signer, countersign::SignerBuilder::url).build().ok()?;
        let id = signed_id(self.input);
        signer.sign_as(id.as_deref().unwrap_or_default(), body, plain.time).pop().map(|(_, value)| value)
    }

    /// Returns the causes if the signature is the start or the end of a correct signature.
    fn cut_short(&self, plain: &Reading, bodies: &[Body<'_>]) -> Option<Vec<Cause>> {
        let value = plain.head.text_of(plain.scheme.header())?;
        let template = self.template(plain, self.given)?;
        if value.len() >= template.len() || !plain.scheme.covers_body() {
            return None;
        }
        let is_cut = |expected: &str| {
            let prefix = readings::prefix_of(expected, plain.scheme.signature_encoding()).map_or(0, str::len);
            let same = value.bytes().zip(expected.bytes()).take_while(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs)).count();
            let behind =
                value.bytes().rev().zip(expected.bytes().rev()).take_while(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs)).count();
            (same == value.len() && same >= prefix.saturating_add(SHORTEST_CUT)) || (behind == value.len() && behind >= SHORTEST_CUT)
        };
        let cause = || {
            let what = format!("The signature is cut short: {} of {} characters are present.", value.len(), template.len());
            Cause::new("header_cut_short", what, "Look for a proxy, a database column or a log that cuts headers.")
        };
        let given = self.keys.get(..self.given)?;
        for key in self.keys.iter().take_while(|_| self.limit.is_left()) {
            if self.expected(plain, key, self.body).is_some_and(|expected| is_cut(&expected)) {
                return Some(key.cause.iter().cloned().chain([cause()]).chain(plain.staleness(self.input.now)).collect());
            }
        }
        for body in bodies {
            if !self.limit.is_left() {
                return None;
            }
            let mut bytes = Vec::new();
            // The signer needs the whole body in memory. A large body is tried as received only:
            // usually, only the signature is cut.
            if self.body.len() > SMALL || !body.stream(&mut bytes, self.limit) {
                continue;
            }
            if given.iter().any(|key| self.expected(plain, key, &bytes).is_some_and(|expected| is_cut(&expected))) {
                return Some([body.cause.clone(), cause()].into_iter().chain(plain.staleness(self.input.now)).collect());
            }
        }
        None
    }
}

/// A writer into a verification.
struct HashWriter(countersign::Verification);

impl Write for &mut HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the time of signing, or `None` if the provider signs no timestamp. Without a plausible
/// timestamp, the time is `now`.
pub(crate) fn signed_at(input: &Input) -> Option<SystemTime> {
    let plain = Reading::plain(&input.provider, &input.delivery, input.now);
    plain.scheme.tolerance().map(|_| plain.time)
}

/// Returns the delivery id in the head, for a provider signing an id.
pub(crate) fn signed_id(input: &Input) -> Option<String> {
    let name = input.provider.scheme.signed_id_header()?;
    input.delivery.text_of(name).map(str::to_owned)
}

/// Returns whether all objects have sorted keys, and an object has at least four keys.
fn is_sorted(value: &serde_json::Value) -> bool {
    fn sorted(value: &serde_json::Value, most: &mut usize) -> bool {
        match value {
            serde_json::Value::Object(object) => {
                *most = object.len().max(*most);
                object.keys().is_sorted() && object.values().all(|value| sorted(value, most))
            }
            serde_json::Value::Array(values) => values.iter().all(|value| sorted(value, most)),
            _ => true,
        }
    }
    // Fewer keys can be in order by chance.
    let mut most = 0;
    sorted(value, &mut most) && most >= 4
}

/// Returns suspicious features of a delivery. No attempt can confirm these causes.
fn suspicions(input: &Input, kind: Option<RejectionKind>) -> Vec<Cause> {
    let (delivery, scheme) = (&input.delivery, &input.provider.scheme);
    let mut causes = Vec::new();
    let mut add = |id, what: String, fix: &str| causes.push(Cause::new(id, what, fix));
    let jwt = delivery.text_of("authorization").is_some_and(|value| value.starts_with("JWT ") || value.starts_with("Bearer eyJ"));
    if jwt {
        add(
            "jwt",
            "Authorization holds a JWT, as in webhooks of Jira's Connect and OAuth 2.0 apps: such webhooks are not signed with a secret."
                .to_owned(),
            "Create the webhook as a Jira administrator, with a secret.",
        );
    }
    if kind == Some(RejectionKind::MissingSignature) && !jwt {
        // `Authorization` does not identify the sender.
        let mut of_others = providers::ALL.iter().filter(|other| other.header() != "Authorization");
        let other = of_others.find(|other| !readings::values_of(delivery, other.header()).is_empty());
        if let Some(other) = other {
            let (header, theirs) = (scheme.header(), other.header());
            let what = format!("{header} is absent, but {theirs}, a header of {}, is present.", other.name());
            add("other_provider_perhaps", what, "Name the provider with --provider. A wrong secret shows only then.");
        } else if delivery.method == "GET" {
            add(
                "method",
                "The method is GET, but deliveries use POST.".to_owned(),
                "Find the client: it may be a browser or a health check.",
            );
        } else {
            let what = format!("There is no signature: the header {} is absent or empty.", scheme.header());
            add("no_signature", what, "Check that the webhook has a secret at the sender, and that no proxy drops the header.");
        }
    }
    if scheme.covers_body() && delivery.body.is_empty() {
        add("body_is_empty", "The body is empty.".to_owned(), "Check whether other code read the body before the capture.");
    }
    if delivery.text_of("content-encoding").is_some() && !delivery.body.starts_with(b"\x1f\x8b") {
        add(
            "content_encoding",
            "Content-Encoding is present, but the body does not begin like gzip: the body may have been decompressed on the way."
                .to_owned(),
            "Verify the raw request body.",
        );
    }
    if scheme.covers_body() && kind == Some(RejectionKind::SignatureMismatch) && bodies::is_small_enough_to_parse(&delivery.body) {
        let begins_as_json = matches!(delivery.body.trim_ascii_start(), [b'{' | b'[', ..]);
        match &serde_json::from_slice::<serde_json::Value>(&delivery.body) {
            Ok(value) if is_sorted(value) => {
                let what =
                    "All keys of the JSON are in alphabetical order: the JSON may have been re-serialized, and the original order is lost.";
                add("json_sorted", what.to_owned(), "If you have the raw request body, give it as --other-body.");
            }
            Err(error) if error.is_eof() && begins_as_json => {
                add(
                    "body_cut_short",
                    "The JSON of the body ends too early.".to_owned(),
                    "Look for code that reads only a part of the body.",
                );
            }
            Err(_) if begins_as_json => {
                let what = if bodies::is_escaped(&delivery.body) {
                    "The body begins like JSON, but holds HTML escapes, such as `&quot;`: a template or a log may have escaped the body."
                } else if delivery.body.windows(2).any(|bytes| matches!(bytes, b"{'" | b"'}" | b"':")) && delivery.body.contains(&b'\'') {
                    "The body begins like JSON, but is not JSON: a program may have printed it, such as Python's `repr`."
                } else {
                    "The body begins like JSON, but is not JSON."
                };
                add("body_is_no_json", what.to_owned(), "Verify the raw request body, before parsing it.");
            }
            _ => {}
        }
    }
    if delivery.body.windows(3).any(|bytes| bytes == "\u{fffd}".as_bytes()) {
        add(
            "body_replacement_characters",
            "The body holds replacement characters (U+FFFD): bytes outside UTF-8 were lost.".to_owned(),
            "Verify the raw request body, before converting it to text.",
        );
    }
    causes
}
