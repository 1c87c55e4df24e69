use std::borrow::Cow;
use std::cell::Cell;
use std::time::{Duration, SystemTime};

use countersign::scheme::Algorithm;
use countersign::{Secret, Verifier, VerifierBuilder};

use crate::description::{Description, Place, Signed};
use crate::hmac::hmac;
use crate::lines::Lines;
use crate::model::{Accepted, Key, Model, Url, YEAR, joined, moment};
use crate::request::Request;
use crate::rows::{ROWS, Row};
use crate::time;
use crate::written::encode;

thread_local! {
    /// The time by the clock of every verifier here.
    static CLOCK: Cell<SystemTime> = const { Cell::new(SystemTime::UNIX_EPOCH) };
}

const URL: &str = "https://example.com/hook?a=%20";

/// Compares the verdicts of the crate and of the model on one delivery. Returns whether the delivery is accepted.
///
/// An input has these lines:
/// - The name of the provider.
/// - The settings of the receiver, one letter each: `1` allows SHA-1, `h` accepts all algorithms, `z` sets a tolerance of zero, `y` sets a
///   tolerance of a year. `u` sets a URL for a scheme without a signed URL, and sets no URL for a scheme with a signed URL.
/// - The time in milliseconds since 1970. After `~`, the time counts from the approximate timestamp of the delivery.
/// - One line for each key: `k`, then a character for the expiry, then the secret. `<` expires the key at the time of the line above, taken
///   without `~`. `>` expires the key one nanosecond later. Any other character sets no expiry.
/// - The method and the target.
/// - One line for each header. The first character chooses one of the provider's headers.
/// - An empty line, and then the body.
///
/// A header value may hold placeholders. `$`, the place of a key, the place of an algorithm and a letter become a tag: see [`tag_variant`].
/// `$t` and a letter become a timestamp: see [`with_times`].
pub fn judge(input: &[u8]) -> bool {
    let mut lines = Lines::new(input);
    let name = lines.next().unwrap_or_default();
    let named = ROWS.iter().find(|row| row.scheme.name().as_bytes() == name);
    let row = named.unwrap_or_else(|| &ROWS[name.iter().map(|byte| usize::from(*byte)).sum::<usize>() % ROWS.len()]);
    let options = lines.next().unwrap_or_default();
    let (milliseconds, relative) = lines.time();
    let mut now = i128::from(milliseconds) * 1_000_000;

    let mut model = Model::new(row.description);
    let (mut builder, mut sound) = configure(options, row, &mut model);
    while let Some([b'k', expires, secret @ ..]) = lines.peek() {
        let id = model.keys.len().to_string();
        let expires = match expires {
            b'<' => Some(now),
            b'>' => Some(now + 1),
            _ => None,
        };
        builder = match expires {
            Some(expires) => builder.key_until(id.as_str(), Secret::new(secret), moment(expires)),
            None => builder.key(id.as_str(), Secret::new(secret)),
        };
        let bytes = Model::key_of(&row.description, secret);
        sound &= bytes.is_some();
        model.keys.push(Key { id, bytes: bytes.unwrap_or_default(), expires });
        if model.keys.len() > 8 {
            return false;
        }
        lines.next();
    }
    sound &= !model.keys.is_empty();
    let built = builder.build();
    assert_eq!(built.is_ok(), sound, "the builder of {} returned {:?}", row.scheme.name(), built.err());
    let Ok(verifier) = built else { return false };

    let (method, target) = lines.request_line();
    let names = row.description.headers();
    let mut values: Vec<(&str, Cow<'_, [u8]>)> = Vec::new();
    while let Some((which, value)) = lines.next().and_then(<[u8]>::split_first) {
        let name = &names[usize::from(which.wrapping_sub(b'0')) % names.len()];
        values.push((name, with_times(value, &row.description, milliseconds / 1000)));
    }
    let body = lines.rest();
    let text = {
        let headers = values.iter().map(|(name, value)| (*name, &**value)).collect();
        joined(&model.parts(&Request { method, target, headers }, body))
    };
    for (_, value) in &mut values {
        *value = with_tags(value, &model, &text).into();
    }
    let headers = values.iter().map(|(name, value)| (*name, &**value)).collect();
    let request = Request { method, target, headers };

    if relative {
        now += model.about(&request);
    }

    let verdict = verifier.verify_at(&request, body, moment(now));
    let said = verdict.as_ref().ok().map(Accepted::of);
    let expected = model.verify(&request, body, now);
    assert_eq!(said, expected, "{} returned {verdict:?} for {request:?} at {now}", row.scheme.name());
    assert_eq!(verifier.begin_at(&request, moment(now)).is_ok(), model.begins(&request, now), "wrong verdict on head {request:?} at {now}");
    // By a clock, a time before 1970 counts as 1970. No timestamp is accepted by a clock before 2001-09-09.
    CLOCK.set(moment(now));
    let by_clock = verifier.verify(&request, body);
    let was_set = now >= 1_000_000_000_000_000_000 || model.description.time.is_none();
    let expected_by_clock = was_set.then(|| model.verify(&request, body, now.max(0))).flatten();
    assert_eq!(
        by_clock.as_ref().ok().map(Accepted::of),
        expected_by_clock,
        "by a clock, the verdict is {by_clock:?} for {request:?} at {now}"
    );
    expected.is_some()
}

/// Applies the settings to the builder and to the model. Returns `false` if the builder must reject the settings.
fn configure(options: &[u8], row: &Row, model: &mut Model) -> (VerifierBuilder, bool) {
    let mut sound = true;
    let has = |letter: u8| options.contains(&letter);
    let hashes = row.description.hashes();
    let mut builder = Verifier::builder(row.scheme).clock(|| CLOCK.get());
    if has(b'h') {
        builder = builder.algorithms(hashes.clone());
        model.accepted.clone_from(&hashes);
        // The list of algorithms alone does not allow SHA-1.
        sound &= has(b'1') || !hashes.contains(&Algorithm::Sha1);
    }
    if has(b'1') {
        builder = builder.allow_legacy_sha1();
        sound &= hashes.contains(&Algorithm::Sha1);
        if !model.accepted.contains(&Algorithm::Sha1) {
            model.accepted.push(Algorithm::Sha1);
        }
    }
    sound &= !model.accepted.is_empty();
    let tolerance = if has(b'z') { Some(Duration::ZERO) } else { has(b'y').then_some(YEAR) };
    if let Some(tolerance) = tolerance {
        (builder, model.tolerance) = (builder.tolerance(tolerance), tolerance);
        sound &= row.description.time.is_some();
    }
    let signs_url = row.description.signs(Signed::Url);
    if signs_url != has(b'u') {
        (builder, model.url) = (builder.url(URL), Some(Url::Whole(URL.into())));
    }
    sound &= !has(b'u');
    (builder, sound)
}

/// Replaces the first `$t` and the letter after `$t` by a timestamp. `-` and `+` move the timestamp to the edges of the default tolerance.
/// `<` and `>` move the timestamp one second further.
fn with_times<'a>(value: &'a [u8], description: &Description, seconds: i64) -> Cow<'a, [u8]> {
    let Some(timed) = description.time else { return value.into() };
    let tolerance = i64::try_from(timed.tolerance.as_secs()).expect("the tolerance fits into an i64");
    let Some(place) = value.windows(2).position(|two| two == b"$t") else { return value.into() };
    let moved = match value.get(place + 2) {
        Some(b'-') => -tolerance,
        Some(b'<') => -tolerance - 1,
        Some(b'+') => tolerance,
        Some(b'>') => tolerance + 1,
        _ => 0,
    };
    let rest = value.get(place + 3..).unwrap_or_default();
    [&value[..place], time::write(timed.format, seconds + moved).as_bytes(), rest].concat().into()
}

/// Replaces each `$` and the three characters after `$` by a tag.
fn with_tags(value: &[u8], model: &Model, text: &[u8]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        match after {
            [key, hash, how, after @ ..] if *first == b'$' && filled.len() < 4096 => {
                let key = &model.keys[usize::from(key.wrapping_sub(b'0')) % model.keys.len()];
                let hashes = model.description.hashes();
                let hash = hashes[usize::from(hash.wrapping_sub(b'0')) % hashes.len()];
                filled.extend(tag_variant(*how, model, &key.bytes, hash, text));
                rest = after;
            }
            _ => {
                filled.push(*first);
                rest = after;
            }
        }
    }
    filled
}

/// Returns the tag, or a variant of the tag. `how` chooses the variant.
fn tag_variant(how: u8, model: &Model, key: &[u8], hash: Algorithm, text: &[u8]) -> Vec<u8> {
    if matches!(model.description.place, Place::Token(_)) {
        return key.to_vec();
    }
    let mut key = key.to_vec();
    let mut text = Cow::from(text);
    match how {
        // HMAC pads the key with zero bytes to the length of a block (RFC 2104 §2). So `n` gives the right tag for a key shorter than a
        // block, and `N` for a key shorter than a block by at least 64 bytes.
        b'n' => key.push(0),
        b'N' => key.extend([0; 64]),
        b's' => key.push(b' '),
        b'b' => text.to_mut().push(b' '),
        b'c' => drop(text.to_mut().pop()),
        _ => {}
    }
    let mut tag = hmac(hash, &key, &text);
    let (first, last) = (0, tag.len() - 1);
    match how {
        b'f' => tag[first] ^= 0x80,
        b'l' => tag[last] ^= 1,
        b'h' => tag.truncate(tag.len() / 2),
        b'e' => tag.push(0),
        b'z' => tag.fill(0),
        _ => {}
    }
    let mut written = encode(model.description.encoding, &tag).into_bytes();
    match how {
        b'-' => drop(written.pop()),
        b'+' => written.push(b'0'),
        b'=' => written.push(b'='),
        b'^' => written.make_ascii_uppercase(),
        b'!' => written[5] = b'!',
        // The last digit of base64 may have spare bits. A lax decoder ignores the spare bits and reads the same bytes.
        b'~' => {
            let end = written.iter().rposition(|byte| *byte != b'=').expect("the tag has digits");
            written[end] += 1;
        }
        _ => {}
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn seed_of_every_provider_is_accepted() {
        for row in ROWS.iter() {
            assert!(judge(seeds::delivery(row).as_bytes()), "{}", row.scheme.name());
        }
    }

    #[test]
    fn stored_seeds_equal_generated_seeds() {
        let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/model");
        let kept = |row: &crate::rows::Row| std::fs::read_to_string(kept.join(row.scheme.name())).ok();
        let kept: Vec<_> = ROWS.iter().filter_map(|row| Some((row, kept(row)?))).collect();
        assert!(kept.len() > 50, "{}", kept.len());
        for (row, seed) in kept {
            assert_eq!(seed, seeds::delivery(row), "{}", row.scheme.name());
        }
    }
}
