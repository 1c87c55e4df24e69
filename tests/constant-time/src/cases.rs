//! Cases whose two classes must take the same time.

use std::hint::black_box;

use countersign::scheme::{Algorithm, Scheme};
use countersign::{Secret, Signer, Verifier, providers};

use crate::case::{Case, Class};
use crate::value::{any_of, change};

const KEYS: [&str; 4] = ["the first secret", "the second secret", "the third secret", "the last secret"];

/// A small body makes the comparison a visible part of the total time.
const BODY: &[u8] = &[b'b'; 64];

const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"abcdef";

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64_DIGITS: &[u8] = b"0123456789";
/// The last digit of 32 bytes has zeros in its lower two bits.
const BASE64_LAST: &[u8] = b"AEIMQUYcgkosw048";
const BASE64_LAST_LETTERS: &[u8] = b"AEIMQUYcgkosw";
const BASE64_LAST_DIGITS: &[u8] = b"048";

/// The two entry points of a verifier that keep no body.
#[derive(Clone, Copy)]
enum Way {
    Verify,
    Begin,
}

use Way::{Begin, Verify};

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    of_sha256(&mut cases);
    of_several_keys(&mut cases);
    of_other_tags(&mut cases);
    of_tokens(&mut cases);
    cases
}

fn of_sha256(cases: &mut Vec<Case>) {
    let signed = Signed::new(providers::JIRA, Algorithm::Sha256, 1);
    let start = "sha256=".len();
    let first = |body: &[u8]| signed.wrong(body, start, HEX);
    let last = |body: &[u8]| signed.wrong(body, start + 63, HEX);
    let fixed = |text: String| Class::new(format!("sha256={text}"), |_: &mut [u8]| {});
    let drawn =
        |alphabet: &'static [u8]| Class::new(format!("sha256={}", "0".repeat(64)), move |value| any_of(&mut value[start..], alphabet));

    cases.push(signed.case("itself: one class", Verify, BODY, [first(BODY), first(BODY)]));
    for way in [Verify, Begin] {
        for body in [&[], BODY] {
            cases.push(signed.case("(a) wrong at the first | last byte", way, body, [first(body), last(body)]));
        }
        let some = "5a0b1c2d3e4f60718293a4b5c6d7e8f9".repeat(2);
        cases.push(signed.case("(c) random | fixed", way, BODY, [drawn(HEX), fixed(some)]));
        cases.push(signed.case("(c) all zeros | all ones", way, BODY, [fixed("0".repeat(64)), fixed("f".repeat(64))]));
        cases.push(signed.case("(e) digits | letters", way, BODY, [drawn(DIGITS), drawn(LETTERS)]));
    }
}

fn of_several_keys(cases: &mut Vec<Case>) {
    let signed = Signed::new(providers::JIRA, Algorithm::Sha256, KEYS.len());
    let end = "sha256=".len() + 63;
    for way in [Verify, Begin] {
        let nearly = |key| wrong(signed.right(key, BODY), end, HEX);
        cases.push(signed.case("(b) nearly the first | last of four keys", way, BODY, [nearly(0), nearly(KEYS.len() - 1)]));
    }
}

/// Adds the cases of tags with another comparison or another decoding.
fn of_other_tags(cases: &mut Vec<Case>) {
    for (algorithm, digits) in [(Algorithm::Sha1, 40), (Algorithm::Sha512, 128)] {
        let signed = Signed::new(providers::WEBSUB, algorithm, 1);
        let start = signed.right(0, BODY).len() - digits;
        let classes = [signed.wrong(BODY, start, HEX), signed.wrong(BODY, start + digits - 1, HEX)];
        cases.push(signed.case("(a) wrong at the first | last byte", Verify, BODY, classes));
    }
    let signed = Signed::new(providers::SHOPIFY, Algorithm::Sha256, 1);
    let classes = [signed.wrong(BODY, 0, BASE64), signed.wrong(BODY, 42, BASE64_LAST)];
    cases.push(signed.case("(a) wrong at the first | last byte", Verify, BODY, classes));
    let drawn = |alphabet: &'static [u8], last: &'static [u8]| {
        Class::new("=".repeat(44), move |value| {
            any_of(&mut value[..42], alphabet);
            any_of(&mut value[42..43], last);
        })
    };
    let classes = [drawn(BASE64_DIGITS, BASE64_LAST_DIGITS), drawn(BASE64_LETTERS, BASE64_LAST_LETTERS)];
    cases.push(signed.case("(e) digits | letters", Verify, BODY, classes));
}

fn of_tokens(cases: &mut Vec<Case>) {
    let token = "t".repeat(32);
    let verifier = Verifier::builder(providers::GITLAB_TOKEN).key("k", Secret::new(token.clone())).build().unwrap();
    let signed = Signed { verifier, header: providers::GITLAB_TOKEN.header(), what: "token".to_owned(), signers: Vec::new() };
    for way in [Verify, Begin] {
        let wrong_at = |at| wrong(token.clone(), at, HEX);
        let random = Class::new(token.clone(), |value| any_of(value, HEX));
        let fixed = Class::new("f".repeat(32), |_: &mut [u8]| {});
        cases.push(signed.case("(d) wrong at the first | last byte", way, &[], [wrong_at(0), wrong_at(31)]));
        cases.push(signed.case("(d) random | fixed", way, &[], [random, fixed]));
    }
}

/// A verifier, and the signers of its deliveries.
struct Signed {
    verifier: Verifier,
    header: &'static str,
    what: String,
    signers: Vec<Signer>,
}

impl Signed {
    fn new(scheme: Scheme, algorithm: Algorithm, keys: usize) -> Self {
        let mut builder = Verifier::builder(scheme);
        if algorithm == Algorithm::Sha1 {
            builder = builder.allow_legacy_sha1();
        }
        for key in &KEYS[..keys] {
            builder = builder.key(*key, Secret::new(*key));
        }
        let signer = |key: &&str| Signer::builder(scheme, Secret::new(*key)).algorithm(algorithm).build().unwrap();
        let what = format!("{} {algorithm}", scheme.name());
        Self { verifier: builder.build().unwrap(), header: scheme.header(), what, signers: KEYS[..keys].iter().map(signer).collect() }
    }

    /// Returns the right value of the header for this key.
    fn right(&self, key: usize, body: &[u8]) -> String {
        self.signers[key].sign(body).remove(0).1
    }

    /// Returns the right values of the header for the first key, with a wrong character at `at`.
    fn wrong(&self, body: &[u8], at: usize, alphabet: &'static [u8]) -> Class {
        wrong(self.right(0, body), at, alphabet)
    }

    fn case(&self, name: &str, way: Way, body: &'static [u8], classes: [Class; 2]) -> Case {
        let (verifier, header) = (self.verifier.clone(), self.header);
        let how = match way {
            Verify => "verify",
            Begin => "begin",
        };
        let rejects = move |value: &[u8]| {
            let (head, body) = (black_box([(header, value)]), black_box(body));
            match way {
                Verify => verifier.verify(&head, body).is_err(),
                Begin => verifier
                    .begin(&head)
                    .and_then(|mut check| {
                        check.update(body);
                        check.finish()
                    })
                    .is_err(),
            }
        };
        Case::new(format!("{name}: {}, {} B, {how}", self.what, body.len()), classes, rejects)
    }
}

fn wrong(right: String, at: usize, alphabet: &'static [u8]) -> Class {
    let was = right.as_bytes()[at];
    Class::new(right, move |value| change(&mut value[at], was, alphabet))
}
