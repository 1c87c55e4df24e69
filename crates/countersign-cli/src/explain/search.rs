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

/// What came of it.
pub(crate) enum Diagnosis {
    /// With all of these set right it verifies, and without one of them it does not.
    Found(Vec<Cause>),
    /// It verifies with nothing that was tried, but this looks odd.
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

/// What a search that tried everything and found nothing excludes.
fn ruled_out(input: &Input, kind: Option<RejectionKind>, others: usize) -> Vec<&'static str> {
    let scheme = &input.provider.scheme;
    // Without a signature, or a secret, there is nothing to try.
    if kind.is_none_or(|kind| kind == RejectionKind::MissingSignature) {
        return Vec::new();
    }
    let mut ruled_out = vec![
        "white space, quotes, a byte order mark, a NUL, a comment or the name of a variable around the secret; `whsec_` in front of it; letters in the other case",
    ];
    if !scheme.covers_body() {
        return ruled_out;
    }
    ruled_out.extend([
        "a secret that is text, hex or base64, and was read as another of them",
        "line breaks or white space around the body, line breaks converted, a byte order mark, an empty body",
        "JSON written anew, as far as it can be written back: without white space, as Python writes it, indented by two, four or a tab; with keys that the sender sorts, with escapes",
        "a body that was compressed or decompressed (as far as that can be done again), or whose charset was converted (Latin-1, UTF-16)",
        "another hash, another hash's name, another provider's header or grammar, a header that was renamed or is there twice",
        "a prefix of the signature that is missing or too much, hex and base64 confused, a signature cut short",
    ]);
    if scheme.tolerance().is_some() {
        ruled_out.push("a timestamp that is stale or in another unit");
    }
    if scheme.signs_url() {
        ruled_out.push("a URL with another slash, scheme, port, host or query");
    }
    if others.saturating_add(input.others.len()) > 0 {
        ruled_out.push("the bodies of the other requests that were given");
    }
    ruled_out
}

/// Characters of a signature that was cut short.
const SHORTEST_CUT: usize = 8;

/// Threads that hash a large body.
const MAX_THREADS: usize = 4;

/// What a search found, and what it left out.
pub(crate) struct Search {
    pub(crate) diagnosis: Diagnosis,
    /// What cannot be the cause, in words for the operator. Empty if something was found, or the time was too short to try everything.
    pub(crate) ruled_out: Vec<&'static str>,
    /// In words for the operator.
    pub(crate) left_out: Vec<String>,
}

/// Looks for what makes the delivery verify, for `time` at most.
pub(crate) fn search(input: &Input, kind: Option<RejectionKind>, others: &[Vec<u8>], time: Duration) -> Search {
    let work = TimeLimit::of(time);
    let diagnosis = find(input, kind, others, &work);
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
            left_out.push("ways to write the JSON anew: it has too many values".to_owned());
        }
        if work.was_cut_short() {
            left_out.push(format!("whatever could not be tried in {}", humantime::format_duration(time)));
        }
    }
    let ruled_out = if found || work.was_cut_short() { Vec::new() } else { ruled_out(input, kind, others.len()) };
    Search { diagnosis, ruled_out, left_out }
}

fn find(input: &Input, kind: Option<RejectionKind>, others: &[Vec<u8>], work: &TimeLimit) -> Diagnosis {
    let plain = Reading::plain(&input.provider, &input.delivery, input.now);
    let keys = keys::of(&input.secrets);
    let given = input.secrets.len();
    let body = &input.delivery.body;
    let in_pairs = if body.len() > SMALL { keys.iter().take_while(|key| !key.is_of_sender()).count() } else { keys.len() };
    let search = Attempts { input, keys: &keys, given, in_pairs, body, work };
    let parsed = bodies::parse(body);
    let bodies = if plain.scheme.covers_body() {
        bodies::of(search.body, parsed.as_ref(), input.others.iter().chain(others), work)
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
    /// So many of the keys are the secrets as they are.
    given: usize,
    /// So many are tried together with something else.
    in_pairs: usize,
    body: &'a [u8],
    work: &'a TimeLimit,
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

    /// By the first body that does it. Hashing a large body many times is what takes long, so all processors take part.
    fn over_bodies(&self, reading: &Reading, keys: usize, bodies: &[Body<'_>]) -> Option<Vec<Cause>> {
        let threads = if self.body.len() > SMALL { thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS) } else { 1 };
        let (next, first) = (AtomicUsize::new(0), Mutex::new(None));
        let attempt_all = || {
            while let Some((place, body)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|place| Some((place, bodies.get(place)?))) {
                if !self.work.is_left() {
                    return;
                }
                let Some(causes) = self.attempt(reading, keys, Some(body)) else { continue };
                // Those that come after it need not be tried any more.
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

    /// What it takes to verify the delivery, if this does it, with one of the first `keys` keys.
    fn attempt(&self, reading: &Reading, keys: usize, body: Option<&Body<'_>>) -> Option<Vec<Cause>> {
        if !self.work.is_left() {
            return None;
        }
        let keys = self.keys.get(..keys)?;
        let verifier = reading.verifier(keys.iter().enumerate().map(|(place, key)| (place, &key.bytes[..])))?;
        // By the head alone, most readings are rejected.
        let mut verification = HashWriter(verifier.begin_at(&reading.head, reading.time).ok()?);
        match body {
            None => verification.0.update(self.body),
            Some(body) => body.stream(&mut verification, self.work).then_some(())?,
        }
        let verified = verification.0.finish().ok()?;
        let place: usize = verified.key_id().as_str().parse().ok()?;
        let mut causes: Vec<Cause> = keys.get(place)?.cause.iter().cloned().collect();
        for cause in &reading.causes {
            let mut cause = cause.clone();
            // Now it is known which.
            if let (Some(hash), "hash") = (verified.algorithm(), cause.id) {
                cause.what = cause.what.replace("another hash", hash.name());
            }
            causes.push(cause);
        }
        causes.extend(body.map(|body| body.cause.clone()));
        causes.extend(reading.staleness(self.input.now));
        if causes.is_empty() {
            // It verifies as it is, but not by the rules for this provider's secrets.
            causes.push(Cause::new(
                "secret_length",
                "The secret has not the length that the provider documents, but is the right one.",
                "Nothing here; a verifier rejects it, so ask the provider for a new one.",
            ));
        }
        Some(causes)
    }

    /// What the provider would write into its header, with the key at this place.
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

    /// Whether what is there is the beginning of what should be.
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
            let what = format!("The signature is cut short: {} of {} characters are there.", value.len(), template.len());
            Cause::new("header_cut_short", what, "Look for a proxy, a database column or a log that cuts headers.")
        };
        let given = self.keys.get(..self.given)?;
        for key in self.keys.iter().take_while(|_| self.work.is_left()) {
            if self.expected(plain, key, self.body).is_some_and(|expected| is_cut(&expected)) {
                return Some(key.cause.iter().cloned().chain([cause()]).chain(plain.staleness(self.input.now)).collect());
            }
        }
        for body in bodies {
            if !self.work.is_left() {
                return None;
            }
            let mut bytes = Vec::new();
            // The signer wants the whole body. What takes more room than this is not worth it: the usual cut is of an unchanged body.
            if self.body.len() > SMALL || !body.stream(&mut bytes, self.work) {
                continue;
            }
            if given.iter().any(|key| self.expected(plain, key, &bytes).is_some_and(|expected| is_cut(&expected))) {
                return Some([body.cause.clone(), cause()].into_iter().chain(plain.staleness(self.input.now)).collect());
            }
        }
        None
    }
}

/// Hashes what is written.
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

/// When the head says it was signed.
pub(crate) fn signed_at(input: &Input) -> Option<SystemTime> {
    let plain = Reading::plain(&input.provider, &input.delivery, input.now);
    plain.scheme.tolerance().map(|_| plain.time)
}

/// The id that the head has, for a provider that signs one.
pub(crate) fn signed_id(input: &Input) -> Option<String> {
    let name = input.provider.scheme.signed_id_header()?;
    input.delivery.text_of(name).map(str::to_owned)
}

/// Whether there are keys, and all of them are in order.
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
    // A few keys can be in order by chance.
    let mut most = 0;
    sorted(value, &mut most) && most >= 4
}

/// What may be the matter and cannot be tried.
fn suspicions(input: &Input, kind: Option<RejectionKind>) -> Vec<Cause> {
    let (delivery, scheme) = (&input.delivery, &input.provider.scheme);
    let mut causes = Vec::new();
    let mut add = |id, what: String, fix: &str| causes.push(Cause::new(id, what, fix));
    let jwt = delivery.text_of("authorization").is_some_and(|value| value.starts_with("JWT ") || value.starts_with("Bearer eyJ"));
    if jwt {
        add(
            "jwt",
            "There is a JWT in Authorization, as webhooks of Jira's Connect and OAuth 2.0 apps have: they are not signed with a secret."
                .to_owned(),
            "Register the webhook as an administrator, with a secret.",
        );
    }
    if kind == Some(RejectionKind::MissingSignature) && !jwt {
        // `Authorization` says nothing about who sent it.
        let mut of_others = providers::ALL.iter().filter(|other| other.header() != "Authorization");
        let other = of_others.find(|other| !readings::values_of(delivery, other.header()).is_empty());
        if let Some(other) = other {
            let (header, theirs) = (scheme.header(), other.header());
            let what = format!("{header} is absent, but {theirs} is there, which is a header of {}.", other.name());
            add("other_provider_perhaps", what, "Say who signs by --provider; with that, another secret would show.");
        } else if delivery.method == "GET" {
            add("method", "It was a GET, and deliveries are posted.".to_owned(), "Look who asks: a browser, or a health check.");
        } else {
            let what = format!("There is no signature: {} is absent or empty.", scheme.header());
            add("no_signature", what, "Look whether the webhook has a secret at the sender, and whether a proxy drops the header.");
        }
    }
    if scheme.covers_body() && delivery.body.is_empty() {
        add("body_is_empty", "The body is empty.".to_owned(), "Look whether something has read it before it was captured.");
    }
    if delivery.text_of("content-encoding").is_some() && !delivery.body.starts_with(b"\x1f\x8b") {
        add(
            "content_encoding",
            "The head has a Content-Encoding, and the body does not begin like gzip: it may have been decompressed on the way.".to_owned(),
            "Verify the bytes as they came in.",
        );
    }
    if scheme.covers_body() && kind == Some(RejectionKind::SignatureMismatch) && bodies::is_small_enough_to_parse(&delivery.body) {
        let begins_as_json = matches!(delivery.body.trim_ascii_start(), [b'{' | b'[', ..]);
        match &serde_json::from_slice::<serde_json::Value>(&delivery.body) {
            Ok(value) if is_sorted(value) => {
                let what =
                    "All keys of the JSON are in alphabetical order: it may have been written anew, and its order cannot be had back.";
                add("json_sorted", what.to_owned(), "Compare it with the body as it came in, if you can: --other-body.");
            }
            Err(error) if error.is_eof() && begins_as_json => {
                add("body_cut_short", "The body is JSON that ends too early.".to_owned(), "Look for whatever reads a part of it only.");
            }
            Err(_) if begins_as_json => {
                let what = if bodies::is_escaped(&delivery.body) {
                    "The body begins like JSON, and holds escapes of HTML, such as `&quot;`: a template or a log may have escaped it."
                } else if delivery.body.windows(2).any(|bytes| matches!(bytes, b"{'" | b"'}" | b"':")) && delivery.body.contains(&b'\'') {
                    "The body begins like JSON, and is none: it may have been printed by a program, such as Python's `repr`."
                } else {
                    "The body begins like JSON, and is none."
                };
                add("body_is_no_json", what.to_owned(), "Verify the bytes as they came in, before they are parsed.");
            }
            _ => {}
        }
    }
    if delivery.body.windows(3).any(|bytes| bytes == "\u{fffd}".as_bytes()) {
        add(
            "body_replacement_characters",
            "The body holds replacement characters (U+FFFD): bytes that were not UTF-8 have been lost.".to_owned(),
            "Verify the bytes as they came in, before they become text.",
        );
    }
    causes
}
