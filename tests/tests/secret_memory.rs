//! A test of the memory after the use of a secret: a dropped secret leaves no copy in the process.
//!
//! The test reads `/proc/self/mem`, and runs only on Linux. The separate file gives the test its own process, because other tests would
//! allocate and free memory during the search.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::SystemTime;

use countersign::scheme::{Algorithm, Scheme};
use countersign::{Secret, Signer, Verifier, providers};

/// The length of the searched bytes of a secret: three words of SHA-512.
const NEEDLE_LEN: usize = 24;

/// The mask of stored needles (exclusive or). The mask keeps the search from finding the needles themselves.
const MASK: u8 = 0xa5;

/// Returns one byte of the secret number `seed`: a letter or a digit, valid in every form of a secret.
fn byte(seed: usize, place: usize) -> u8 {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (place as u64).wrapping_mul(0xd134_2543_de82_ef95);
    state = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB"[(state >> 58) as usize]
}

fn secret(seed: usize, len: usize) -> Secret {
    let mut text = Vec::with_capacity(len);
    text.extend((0..len).map(|place| byte(seed, place)));
    Secret::new(text)
}

/// Returns the masked needles: the secret's bytes as given, and as HMAC (RFC 2104 §2) and SHA-2 (FIPS 180-4 §6) store them.
fn needles(bytes: impl Fn(usize) -> u8) -> Vec<(&'static str, [u8; NEEDLE_LEN])> {
    let pads = [("without a pad", 0), ("with the inner pad", 0x36), ("with the outer pad", 0x5c)];
    let mut needles = Vec::new();
    for (name, pad) in pads {
        for word in [1, 4, 8] {
            // The hash reads big-endian words; a little-endian machine stores the bytes of each word in reverse.
            let reversed = |place: usize| place / word * word + (word - 1 - place % word);
            needles.push((name, std::array::from_fn(|at| bytes(reversed(at)) ^ pad ^ MASK)));
        }
    }
    needles
}

/// Searches the writable memory for the needles. Returns the name of each found needle, with the line of `/proc/self/maps`.
fn copies(needles: &[(&'static str, [u8; NEEDLE_LEN])]) -> Vec<(&'static str, String)> {
    const CHUNK: usize = 1 << 16;
    // This table skips windows whose first byte begins no needle.
    let begins: Vec<bool> = (0..=u8::MAX).map(|byte| needles.iter().any(|(_, needle)| byte ^ MASK == needle[0])).collect();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0; CHUNK + NEEDLE_LEN];
    let mut found = Vec::new();
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut fields = line.split_whitespace();
        let (range, access) = (fields.next().unwrap(), fields.next().unwrap());
        if !access.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        for chunk in (start..end).step_by(CHUNK) {
            let len = usize::try_from(end - chunk).unwrap().min(CHUNK + NEEDLE_LEN);
            // The search also reads this buffer, and would find old content again.
            buffer.fill(0);
            std::hint::black_box(&mut buffer);
            // Some mappings are unreadable, and the stack of an ended thread may be unmapped.
            if memory.read_exact_at(&mut buffer[..len], chunk).is_err() {
                continue;
            }
            for window in buffer[..len].windows(NEEDLE_LEN).filter(|window| begins[usize::from(window[0])]) {
                for (name, needle) in needles {
                    if window.iter().zip(needle).all(|(byte, masked)| byte ^ MASK == *masked) {
                        found.push((*name, line.to_owned()));
                    }
                }
            }
        }
    }
    buffer.fill(0);
    std::hint::black_box(&mut buffer);
    found
}

/// Asserts that memory holds the secret before `work`, and no copy afterwards. `work` uses and drops the secret.
fn assert_gone(case: &str, seed: usize, work: impl FnOnce(Secret), secret: Secret) {
    let needles = needles(|place| byte(seed, place));
    assert!(!copies(&needles).is_empty(), "{case}: the search must find an existing secret");
    work(secret);
    let left = copies(&needles);
    assert!(left.is_empty(), "{case}: {left:?}");
}

#[test]
fn dropped_secret_leaves_no_copy_in_memory() {
    // Controls: the search finds no secret before its creation, and no dropped secret.
    assert_eq!(copies(&needles(|place| byte(0, place))), []);
    assert_gone("a dropped secret", 1, drop, secret(1, 64));

    let verifier = |scheme: Scheme, secret: Secret| Verifier::builder(scheme).key("k", secret).allow_legacy_if_needed().build().unwrap();
    let bare = |algorithm| Scheme::new("bare", "X-Signature").bare(algorithm);
    let mut seed = 2;
    let mut kept = Vec::new();
    // Lengths below a block of the hash, of one block, and above every block.
    for len in [32, 64, 128, 200] {
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512] {
            seed += 1;
            let case = format!("a verifier by {algorithm}, {len} bytes");
            assert_gone(&case, seed, |secret| kept.push(verifier(bare(algorithm), secret)), secret(seed, len));
        }
        seed += 1;
        assert_gone("a signer", seed, |secret| drop(Signer::new(providers::JIRA, secret).unwrap()), secret(seed, len));
        seed += 1;
        let token = |secret| kept.push(verifier(providers::GITLAB_TOKEN, secret));
        assert_gone(&format!("a static token, {len} bytes"), seed, token, secret(seed, len));
    }

    let jira = verifier(providers::JIRA, Secret::new("another secret altogether"));
    seed += 1;
    assert_gone("an added key", seed, |secret| jira.keys().add("added", secret).unwrap(), secret(seed, 32));
    seed += 1;
    assert_gone("replaced keys", seed, |secret| jira.keys().replace([("replaced", secret)]).unwrap(), secret(seed, 32));
    seed += 1;
    let template = Verifier::builder(providers::JIRA).build_template().unwrap();
    assert_gone("a tenant's key", seed, |secret| kept.push(template.for_tenant("acme", [("k", secret)]).unwrap()), secret(seed, 32));
    seed += 1;
    let hints = |secret| kept.push(Verifier::builder(providers::JIRA).hints().key("k", secret).build().unwrap());
    assert_gone("with hints", seed, hints, secret(seed, 32));

    // For a secret with white space at one end, the verifier keeps a second MAC for hints.
    seed += 1;
    let mut padded = Vec::with_capacity(33);
    padded.extend((0..32).map(|place| byte(seed, place)).chain([b'\n']));
    assert_gone("a secret with a line break", seed, |secret| kept.push(verifier(providers::JIRA, secret)), Secret::new(padded));

    // Decoded secrets: the text, and the decoded bytes.
    let decoding = Scheme::new("decoding", "X-Signature").base64_secret("");
    for (case, scheme) in [("base64", decoding), ("base64 with an optional prefix", providers::STANDARD_WEBHOOKS)] {
        seed += 1;
        let decoded = move |place: usize| decoded_byte(|at| byte(seed, at), place);
        assert_decodes(case, &scheme, (0..64).map(|place| byte(seed, place)).collect(), (0..48).map(decoded).collect(), decoded);
        assert_gone(case, seed, |secret| kept.push(verifier(scheme, secret)), secret(seed, 64));
        assert_eq!(copies(&needles(decoded)), [], "{case}: decoded bytes");
    }
    seed += 1;
    let digit = move |place: usize| b"0123456789abcdef"[usize::from(byte(seed, place) % 16)];
    let mut text = Vec::with_capacity(64);
    text.extend((0..64).map(digit));
    let text = Secret::new(text);
    assert!(!copies(&needles(digit)).is_empty(), "hexadecimal text: the search must find an existing secret");
    kept.push(verifier(providers::ADYEN, text));
    assert_eq!(copies(&needles(digit)), [], "hexadecimal text");
    let value = move |place: usize| byte(seed, place) % 16;
    let decoded = move |place: usize| (value(2 * place) << 4) | value(2 * place + 1);
    assert_eq!(copies(&needles(decoded)), [], "hexadecimal text: decoded bytes");
    assert_decodes("hexadecimal text", &providers::ADYEN, (0..64).map(digit).collect(), (0..32).map(decoded).collect(), decoded);

    // A secret from a file.
    seed += 1;
    let path = std::env::temp_dir().join(format!("countersign-secret-memory-{}", std::process::id()));
    let mut text = Vec::with_capacity(33);
    text.extend((0..32).map(|place| byte(seed, place)).chain([b'\n']));
    fs::write(&path, &text).unwrap();
    text.fill(0);
    std::hint::black_box(&mut text);
    let read = Secret::from_file(&path).unwrap();
    assert_gone("a file", seed, |secret| kept.push(verifier(providers::JIRA, secret)), read);
    fs::remove_file(&path).unwrap();

    // This use keeps the verifiers alive until all searches are done.
    assert!(kept.iter().all(|verifier| verifier.verify(&[("X-Signature", "0")], b"").is_err()));
}

/// Asserts that the scheme decodes `text` to `decoded`, and that the search finds existing decoded bytes.
fn assert_decodes(case: &str, scheme: &Scheme, text: Vec<u8>, decoded: Vec<u8>, needle: impl Fn(usize) -> u8) {
    let signature =
        |scheme: Scheme, secret: Vec<u8>| Signer::new(scheme, Secret::new(secret)).unwrap().sign_as("id", b"body", SystemTime::UNIX_EPOCH);
    let needles = needles(needle);
    assert!(!copies(&needles).is_empty(), "{case}: the search must find existing decoded bytes");
    assert_eq!(signature(*scheme, text), signature(scheme.text_secret(), decoded), "{case}");
    assert_eq!(copies(&needles), [], "{case}: decoded bytes");
}

/// Returns the byte at `place` of the decoded base64 text (RFC 4648 §4).
fn decoded_byte(text: impl Fn(usize) -> u8, place: usize) -> u8 {
    let value = |at: usize| match text(at) {
        letter @ b'A'..=b'Z' => letter - b'A',
        letter @ b'a'..=b'z' => letter - b'a' + 26,
        digit => digit - b'0' + 52,
    };
    let group = place / 3 * 4;
    match place % 3 {
        0 => (value(group) << 2) | (value(group + 1) >> 4),
        1 => (value(group + 1) << 4) | (value(group + 2) >> 2),
        _ => (value(group + 2) << 6) | value(group + 3),
    }
}

/// Allows SHA-1 for schemes without another algorithm.
trait AllowLegacy {
    fn allow_legacy_if_needed(self) -> Self;
}

impl AllowLegacy for countersign::VerifierBuilder {
    fn allow_legacy_if_needed(self) -> Self {
        match self.clone().build() {
            Err(countersign::ConfigError::LegacySha1) => self.allow_legacy_sha1(),
            _ => self,
        }
    }
}
