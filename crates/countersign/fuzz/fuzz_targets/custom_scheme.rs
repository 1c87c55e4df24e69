//! Builds arbitrary custom schemes. The crate and the model must agree on deliveries of a valid scheme. A signed delivery must verify, and
//! the signed text must not verify as another delivery.
#![no_main]

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use countersign::scheme::{Algorithm, Encoding, Part, Scheme, TimestampFormat};
use countersign::{ConfigError, Secret, Signer, Verifier};
use countersign_fuzz::choices::Choices;
use countersign_fuzz::description::{Description, Form, Place, Signed, Time, TimePlace};
use countersign_fuzz::model::{Accepted, Key, Model, Url, joined, moment};
use countersign_fuzz::request::Request;
use libfuzzer_sys::fuzz_target;

const HEADERS: &[&str] = &["X-Signature", "x-signature", "X-Signature-1", "X-Time", "X-Id", "X-Event", "", "X Other", "X-Sig-"];
/// More signature headers than a verifier reads in one pass. `Content-Length` also announces the body.
const MANY_HEADERS: &[&str] = &["X-A", "X-B", "X-C", "X-D", "x-e", "Content-Length", "X-Signature", "X-H"];
const NAMES: &[&str] = &["v1", "v2", "t", "a,b", "", "v=1", "sha1", " v", "é"];
const BYTES: &[u8] = b"=,; :.a0-_+/\n\0\xe9";
const HASHES: &[Algorithm] = &[Algorithm::Sha256, Algorithm::Sha1, Algorithm::Sha384, Algorithm::Sha512];
const ENCODINGS: &[Encoding] = &[Encoding::Hex, Encoding::Base64, Encoding::Base64Url];
const FORMATS: &[TimestampFormat] = &[TimestampFormat::Seconds, TimestampFormat::Milliseconds, TimestampFormat::Rfc3339];
const LITERALS: &[&str] = &[".", "", ":", "v0:", "a", "-", "AZ", "\n", "0", "{", "=", "/", "+"];
const TARGETS: &[&str] = &["/", "/hook?a=b", "/a.b", "", "*", "/a b", "/#a", "/{"];
const METHODS: &[&str] = &["POST", "PUT", "post", "", "P-T", "POSTA"];
const URLS: &[&str] = &["https://example.com", "https://example.com/a.b", "http://[::1]:8080?a", "example.com", "https://", "https://a/#b"];

fuzz_target!(|input: &[u8]| {
    let mut choices = Choices::new(input);
    let (scheme, mut description) = scheme(&mut choices);
    let mut verifier = Verifier::builder(scheme);
    let secret = match choices.below(4) {
        0 => choices.bytes(80).to_vec(),
        _ => scheme.secret_of(&[choices.byte().max(b'!'); 32]).into_bytes(),
    };
    let mut signer = Signer::builder(scheme, Secret::new(&*secret));
    verifier = verifier.key("other", Secret::new(scheme.secret_of(&[1; 32]))).key("main", Secret::new(&*secret));
    if let Some(tolerance) = choices.rarely(tolerance) {
        verifier = verifier.tolerance(tolerance);
        description.time = description.time.map(|time| Time { tolerance, ..time });
    }
    let target = choices.of(TARGETS);
    let method = choices.of(METHODS);
    let url = choices.of(URLS);
    let url = match choices.below(4) {
        0 if description.signs(Signed::Url) => None,
        1 | 2 if description.signs(Signed::Url) => {
            (verifier, signer) = (verifier.base_url(url), signer.base_url(url, target));
            Some(Url::Base(url.into()))
        }
        3 if !description.signs(Signed::Url) => None,
        _ if !description.signs(Signed::Url) && choices.byte() < 0xf0 => None,
        _ => {
            (verifier, signer) = (verifier.url(url), signer.url(url));
            Some(Url::Whole(url.into()))
        }
    };
    if let Some(limit) = choices.rarely(Choices::size) {
        verifier = verifier.body_limit(limit);
    }
    let mut hashes = description.hashes();
    hashes.truncate(1 + choices.below(3));
    verifier = verifier.algorithms(hashes.clone());
    if choices.flag() {
        verifier = verifier.allow_legacy_sha1();
        if !hashes.contains(&Algorithm::Sha1) {
            hashes.push(Algorithm::Sha1);
        }
    }
    let hash = hashes[choices.below(hashes.len())];
    let token = matches!(description.place, Place::Token(_));
    if !token {
        signer = signer.algorithm(hash);
    }

    // A scheme invalid for the signer is invalid for the verifier too. With a base URL, the verifier may return an earlier fault of another
    // kind.
    let (verifier, signer) = (verifier.build(), signer.method(method).build());
    let contradicts = |fault: Option<&ConfigError>| matches!(fault, Some(ConfigError::InvalidScheme { .. }));
    if contradicts(signer.as_ref().err()) && !matches!(url, Some(Url::Base(_))) {
        assert!(contradicts(verifier.as_ref().err()), "only the signer rejects the scheme {description:?}");
    }
    let (Ok(verifier), Ok(signer)) = (verifier, signer) else { return };

    let mut model = Model::new(description);
    for (id, secret) in [("other", scheme.secret_of(&[1; 32]).into_bytes()), ("main", secret)] {
        let bytes = Model::key_of(&description, &secret).expect("the model accepts every secret accepted by the crate");
        model.keys.push(Key { id: id.into(), bytes, expires: None });
    }
    (model.accepted, model.url) = (hashes, url);

    // All times are after 2001, like the time of any clock that was set.
    let seconds = 1_000_000_000 + i128::from(choices.number()) * i128::from(choices.of(&[1u8, 1, 1, 50]));
    let now = seconds * 1_000_000_000;
    let id = choices.of(&["id-1", "a_b", "", "a.b", "a:b", "a+b/c==", "1795541400", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"]);
    let body = choices.bytes(200);
    let signed = signer.sign_as(id, body, moment(now));
    let headers: Vec<(&str, &[u8])> = signed.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let request = Request { method, target, headers };
    let verified = verifier.verify_at(&request, body, moment(now));
    let expected = model.verify(&request, body, now);
    assert_eq!(verified.as_ref().ok().map(Accepted::of), expected, "crate and model disagree on {description:?} {request:?}");

    // A signed delivery is rejected only for an invalid method, id, target or time from the caller.
    let parts = model.parts(&request, body);
    let upper_case = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let right_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+/=".contains(&byte));
    let right_target = target.starts_with('/') && !target.contains([' ', '#', '{']);
    let expressible = model.description.time.is_none_or(|time| time.format != TimestampFormat::Rfc3339 || seconds < 253_402_300_800);
    let right = (upper_case || !model.description.signs(Signed::Method))
        && (right_id || !model.description.signs(Signed::Id))
        && (right_target || !matches!(model.url, Some(Url::Base(_))));
    assert!(verified.is_ok() || !right || !expressible, "a signed delivery returned {verified:?}: {description:?} {request:?}");

    // The crate and the model also agree with other fields in the head.
    let mut names = model.description.headers();
    names.extend(["content-length".into(), names[0].to_ascii_lowercase(), format!("z{}", &names[0][1..])]);
    let values = [choices.bytes(20), request.headers[request.headers.len() - 1].1, b"", b"0"];
    let mut fuller = request.clone();
    for _ in 0..choices.below(5) {
        let field = (&*names[choices.below(names.len())], choices.of(&values));
        fuller.headers.insert(choices.below(fuller.headers.len() + 1), field);
    }
    let verdict = verifier.verify_at(&fuller, body, moment(now));
    assert_eq!(verdict.as_ref().ok().map(Accepted::of), model.verify(&fuller, body, now), "{:?} {fuller:?}", model.description);
    if token || verified.is_err() {
        return;
    }
    let mut changed = body.to_vec();
    match changed.len() {
        0 => changed.push(choices.byte()),
        len => changed[choices.below(len)] ^= 1 << choices.below(8),
    }
    assert!(verifier.verify_at(&request, &changed, moment(now)).is_err(), "a changed body verifies: {description:?} {request:?}");

    // The same signed text, split at other places, must not verify.
    let Some(moved) = split_elsewhere(&parts, model.url.as_ref(), &mut choices) else { return };
    let of = |part: Signed| moved.iter().find(|(other, _)| *other == part).map(|(_, text)| text.as_slice());
    let text_of = |part: Signed| of(part).map(|text| std::str::from_utf8(text).ok());
    let Some(method) = text_of(Signed::Method).unwrap_or(Some(method)) else { return };
    let target = match (&model.url, text_of(Signed::Url)) {
        (Some(Url::Base(base)), Some(url)) => url.map(|url| &url[base.len()..]),
        _ => Some(target),
    };
    let Some(target) = target else { return };
    let time_of = |parts: &[(Signed, Vec<u8>)]| parts.iter().find(|(part, _)| *part == Signed::Time).map(|(_, text)| text.clone());
    let (before, after) = (time_of(&parts).unwrap_or_default(), time_of(&moved).unwrap_or_default());
    let headers = request.headers.iter().map(|(name, value)| match model.description.time.map(|time| time.place) {
        Some(TimePlace::Header(header)) if header == *name => (*name, after.clone()),
        // The signer writes the timestamp as the first item.
        Some(TimePlace::Item(item)) if value.starts_with(item.as_bytes()) => {
            let (start, end) = (item.len() + 1, item.len() + 1 + before.len());
            (*name, [&value[..start], &after, &value[end..]].concat())
        }
        _ if model.description.id == Some(name) => (*name, of(Signed::Id).unwrap_or_default().to_vec()),
        _ => (*name, value.to_vec()),
    });
    let headers: Vec<(&str, Vec<u8>)> = headers.collect();
    let headers = headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let request = Request { method, target, headers };
    let body = of(Signed::Body).expect("every scheme except a static token signs the body");
    let verified = verifier.verify_at(&request, body, moment(now));
    assert!(verified.is_err(), "bytes moved between signed parts: {parts:?} {moved:?} {description:?}");
});

/// Splits the signed text at other places. Each part becomes a little longer or shorter, and the body takes the rest. Returns `None` for a
/// split that no request can have.
fn split_elsewhere(parts: &[(Signed, Vec<u8>)], url: Option<&Url>, choices: &mut Choices<'_>) -> Option<Vec<(Signed, Vec<u8>)>> {
    let text = joined(parts);
    let body = parts.iter().position(|(part, _)| *part == Signed::Body)?;
    let mut new_len = |part: Signed, old: &[u8]| match part {
        Signed::Time | Signed::Id | Signed::Method => Some(old.len() + choices.below(16)).and_then(|len| len.checked_sub(5)),
        Signed::Url if matches!(url, Some(Url::Base(_))) => Some(old.len() + choices.below(16)).and_then(|len| len.checked_sub(5)),
        _ => Some(old.len()),
    };
    let mut moved = Vec::new();
    let mut rest = &*text;
    for (part, old) in &parts[..body] {
        let (piece, after) = rest.split_at_checked(new_len(*part, old)?)?;
        moved.push((*part, piece.to_vec()));
        rest = after;
    }
    let mut behind = Vec::new();
    for (part, old) in parts[body + 1..].iter().rev() {
        let (before, piece) = rest.split_at_checked(rest.len().checked_sub(new_len(*part, old)?)?)?;
        behind.push((*part, piece.to_vec()));
        rest = before;
    }
    moved.push((Signed::Body, rest.to_vec()));
    moved.extend(behind.into_iter().rev());

    let readable = moved.iter().zip(parts).all(|((part, new), (_, old))| match (part, url) {
        (Signed::Text(_), _) | (Signed::Url, Some(Url::Whole(_))) => new == old,
        (Signed::Url, Some(Url::Base(base))) => new.starts_with(base.as_bytes()),
        _ => true,
    });
    let same_everywhere = moved.iter().all(|(part, text)| moved.iter().all(|(other, its)| part != other || text == its));
    (readable && same_everywhere && moved != parts).then_some(moved)
}

/// Chooses a scheme. Returns the scheme, and its description for the model.
fn scheme(choices: &mut Choices<'_>) -> (Scheme, Description) {
    let header = choices.of(HEADERS);
    if choices.byte() >= 0xf8 {
        return (Scheme::insecure_static_token("custom", header), Description { place: Place::Token(header), ..Description::hex(header) });
    }
    let mut scheme = Scheme::new("custom", header);
    let mut description = Description::hex(header);
    if let Some(headers) = choices.rarely(headers) {
        (scheme, description.place) = (scheme.any_of_headers(headers), Place::Headers(headers));
    }
    if let Some(header) = choices.rarely(|choices| choices.of(HEADERS)) {
        (scheme, description.place) = (scheme.numbered_headers(header), Place::Numbered(header));
    }
    if choices.flag() {
        let hash = choices.of(HASHES);
        (scheme, description.hash) = (scheme.bare(hash), hash);
    } else {
        let mut names = Vec::new();
        for _ in 0..choices.below(4) {
            names.push((choices.of(NAMES), choices.of(HASHES)));
        }
        let names = interned(&names);
        let equals = choices.of(BYTES);
        (scheme, description.names, description.equals) = (scheme.tagged(equals, names), names, equals);
    }
    if choices.flag() {
        let comma = choices.of(BYTES);
        (scheme, description.comma) = (scheme.list(comma), Some(comma));
    }
    let encoding = choices.of(ENCODINGS);
    (scheme, description.encoding) = (scheme.encoding(encoding), encoding);

    let (before, after) = (pieces(choices), pieces(choices));
    (scheme, description.signed) =
        (scheme.prefix(parts_of(&before)).suffix(parts_of(&after)), { interned(&[&before[..], &[Signed::Body], &after].concat()) });
    let signs = |part| before.contains(&part) || after.contains(&part);
    // In 15 cases of 16, the scheme has a timestamp if, and only if, a timestamp is signed. The same holds for the id.
    if signs(Signed::Time) == (choices.byte() < 0xf0) {
        let (tolerance, format) = (tolerance(choices), choices.of(FORMATS));
        let place = if choices.flag() { TimePlace::Header("X-Time") } else { TimePlace::Item(choices.of(NAMES)) };
        scheme = match place {
            TimePlace::Header(name) => scheme.timestamp_header(name, tolerance),
            TimePlace::Item(name) => scheme.timestamp_item(name, tolerance),
        };
        scheme = scheme.timestamp_format(format);
        description.time = Some(Time { place, format, tolerance });
    }
    if signs(Signed::Id) == (choices.byte() < 0xf0) {
        (scheme, description.id) = (scheme.id_header("X-Id"), Some("X-Id"));
    }
    match choices.below(4) {
        0 => (scheme, description.secret) = (scheme.hex_secret(), Form::Hex),
        1 => (scheme, description.secret) = (scheme.base64_secret("whsec_"), Form::Base64("whsec_")),
        2 => (scheme, description.secret) = (scheme.base64_secret(""), Form::Base64("")),
        _ => scheme = scheme.text_secret(),
    }
    if let Some(lengths) = choices.rarely(|choices| (choices.below(33), choices.below(200))) {
        (scheme, description.key_lengths) = (scheme.key_lengths(lengths.0, lengths.1), lengths);
    }
    if let Some(id) = choices.rarely(|choices| choices.of(HEADERS)) {
        (scheme, description.unsigned_id) = (scheme.unauthenticated_delivery_id_header(id), Some(id));
    }
    if let Some(event) = choices.rarely(|choices| choices.of(HEADERS)) {
        (scheme, description.unsigned_event) = (scheme.unauthenticated_event_header(event), Some(event));
    }
    if let Some(others) = choices.rarely(|choices| some(choices, HEADERS)) {
        scheme = scheme.also_sends(others);
    }
    if let Some(usual) = choices.rarely(|choices| some(choices, HASHES)) {
        scheme = scheme.default_algorithms(usual);
    }
    (scheme, description)
}

/// Chooses signature headers.
fn headers(choices: &mut Choices<'_>) -> &'static [&'static str] {
    if choices.flag() { some(choices, HEADERS) } else { &MANY_HEADERS[..=choices.below(MANY_HEADERS.len())] }
}

/// Chooses the signed parts on one side of the body.
fn pieces(choices: &mut Choices<'_>) -> Vec<Signed> {
    let piece = |choices: &mut Choices<'_>| match choices.below(8) {
        0..=2 => Signed::Text(choices.of(LITERALS)),
        3 | 4 => Signed::Time,
        5 => Signed::Id,
        6 => Signed::Method,
        _ => Signed::Url,
    };
    (0..choices.below(5)).map(|_| piece(choices)).collect()
}

fn parts_of(pieces: &[Signed]) -> &'static [Part] {
    let part = |piece: &Signed| match piece {
        Signed::Text(text) => Part::Literal(text),
        Signed::Time => Part::Timestamp,
        Signed::Id => Part::Id,
        Signed::Method => Part::Method,
        Signed::Url | Signed::Body => Part::Url,
    };
    interned(&pieces.iter().map(part).collect::<Vec<_>>())
}

fn some<T: Copy + Eq + Hash + 'static>(choices: &mut Choices<'_>, of: &[T]) -> &'static [T] {
    let chosen: Vec<T> = (0..choices.below(4)).map(|_| choices.of(of)).collect();
    interned(&chosen)
}

thread_local! {
    static INTERNED: RefCell<HashMap<TypeId, Box<dyn Any>>> = RefCell::default();
}

/// Leaks the list, and returns the same list for equal items. A scheme can only hold `'static` references.
fn interned<T: Copy + Eq + Hash + 'static>(items: &[T]) -> &'static [T] {
    INTERNED.with_borrow_mut(|interned| {
        let known = interned.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(HashSet::<&'static [T]>::new()));
        let known: &mut HashSet<&'static [T]> = known.downcast_mut().expect("the entry has the type of its key");
        known.get(items).copied().unwrap_or_else(|| {
            let leaked: &'static [T] = Box::leak(items.into());
            known.insert(leaked);
            leaked
        })
    })
}

fn tolerance(choices: &mut Choices<'_>) -> Duration {
    choices.of(&[Duration::from_secs(300), Duration::ZERO, Duration::from_secs(365 * 24 * 60 * 60), Duration::MAX])
}
