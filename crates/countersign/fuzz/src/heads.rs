use countersign::{RejectionKind, Secret, Verifier};

use crate::description::Shape;
use crate::lines::Lines;
use crate::model::{Key, Model, Url, YEAR, moment};
use crate::request::Request;
use crate::rows::ROWS;

/// Providers with one grammar, whose heads are judged by the crate and by the model.
///
/// An input is a head in lines: the provider's name, with `+` behind it for a receiver that accepts all hashes and tolerates a year; the time
/// in seconds since 1970, or behind `~` since about the time that the head itself tells; method and target; then a header a line, the first
/// character of which says which of the provider's headers it is.
pub struct Heads(Vec<Judges>);

struct Judges {
    name: &'static str,
    headers: Vec<String>,
    /// That accept the usual hashes, and all.
    usual: (Verifier, Model),
    all: (Verifier, Model),
}

/// For tokens, which stand in the input as they are.
const TOKENS: [&str; 2] = ["token", "tokens"];

impl Heads {
    /// Of the providers whose heads have this shape.
    #[must_use]
    pub fn of(shape: Shape) -> Self {
        let judges: Vec<_> = ROWS.iter().filter(|row| row.description.shape() == shape).map(Judges::new).collect();
        assert!(!judges.is_empty(), "no provider's head has the shape {shape:?}");
        Self(judges)
    }

    /// Judges one head by the crate and by the model, and says whether it was in order.
    pub fn judge(&self, input: &[u8]) -> bool {
        let mut lines = Lines::new(input);
        let name = lines.next().unwrap_or_default();
        let (name, all) = name.strip_suffix(b"+").map_or((name, false), |name| (name, true));
        let named = self.0.iter().find(|judges| judges.name.as_bytes() == name);
        let other = || &self.0[name.iter().map(|byte| usize::from(*byte)).sum::<usize>() % self.0.len()];
        let judges = named.unwrap_or_else(other);
        let (verifier, model) = if all { &judges.all } else { &judges.usual };
        let (seconds, relative) = lines.time();
        let (method, target) = lines.request_line();
        let mut request = Request { method, target, headers: Vec::with_capacity(8) };
        request.headers.extend(lines.filter_map(|line| judges.header(line)));

        let now = i128::from(seconds) * 1_000_000_000 + if relative { model.about(&request) } else { 0 };

        let begun = verifier.begin_at(&request, moment(now));
        let rejected = begun.err().map(|rejection| rejection.kind());
        assert_eq!(rejected.is_none(), model.begins(&request, now), "{} said {rejected:?} of {request:?} at {now}", judges.name);

        // That one goes by the machine's own clock, and knows no keys.
        let fault = verifier.head_fault(&request);
        let by_clock = matches!(fault, Some(RejectionKind::TimestampTooOld | RejectionKind::TimestampTooNew));
        let agrees = match rejected {
            None | Some(RejectionKind::TokenMismatch) => fault.is_none() || by_clock,
            Some(RejectionKind::TimestampTooOld | RejectionKind::TimestampTooNew) => true,
            rejected => fault == rejected || by_clock,
        };
        assert!(agrees, "{} found {fault:?} and then {rejected:?} in {request:?}", judges.name);
        rejected.is_none()
    }
}

impl Judges {
    fn new(row: &crate::rows::Row) -> Self {
        let description = row.description;
        let mut headers = description.headers();
        headers.extend(headers.clone().iter().map(|name| {
            let swapped = name.bytes().map(|byte| if byte.is_ascii_alphabetic() { char::from(byte ^ 0x20) } else { byte.into() });
            swapped.collect()
        }));
        let judges = |all: bool| {
            let mut model = Model::new(description);
            let mut builder = Verifier::builder(row.scheme);
            let secrets = if row.scheme.covers_body() { vec![row.scheme.secret_of(&[7; 32])] } else { TOKENS.map(String::from).to_vec() };
            for (place, secret) in secrets.into_iter().enumerate() {
                let bytes = Model::key_of(&description, secret.as_bytes()).expect("a secret of that form");
                model.keys.push(Key { id: place.to_string(), bytes, expires: None });
                builder = builder.key(place.to_string(), Secret::new(secret));
            }
            if all || model.accepted.is_empty() {
                model.accepted = description.hashes();
                builder = builder.algorithms(description.hashes());
                builder =
                    if model.accepted.contains(&countersign::scheme::Algorithm::Sha1) { builder.allow_legacy_sha1() } else { builder };
            }
            if all && description.time.is_some() {
                (model.tolerance, builder) = (YEAR, builder.tolerance(YEAR));
            }
            if row.scheme.signs_url() {
                let url = "https://example.com/hook";
                (model.url, builder) = (Some(Url::Whole(url.into())), builder.url(url));
            }
            (builder.build().expect("a verifier"), model)
        };
        Self { name: row.scheme.name(), headers, usual: judges(false), all: judges(true) }
    }

    fn header<'a>(&'a self, line: &'a [u8]) -> Option<(&'a str, &'a [u8])> {
        let (which, value) = line.split_first()?;
        let place = usize::from(which.wrapping_sub(b'0')) % self.headers.len();
        Some((&self.headers[place], value))
    }
}
