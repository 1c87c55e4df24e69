use countersign::{RejectionKind, Secret, Verifier};

use crate::description::Shape;
use crate::lines::Lines;
use crate::model::{Key, Model, Url, YEAR, moment};
use crate::request::Request;
use crate::rows::ROWS;

/// The providers with heads of one shape. The crate and the model judge each head.
///
/// An input has these lines:
/// - The name of the provider. `+` after the name chooses a receiver with all algorithms accepted and a tolerance of a year.
/// - The time in seconds since 1970. After `~`, the time counts from the approximate timestamp of the head.
/// - The method and the target.
/// - One line for each header. The first character chooses one of the provider's headers, with the name in its usual or in swapped case.
pub struct Heads(Vec<Provider>);

struct Provider {
    name: &'static str,
    headers: Vec<String>,
    /// A receiver with the default algorithms, or with all algorithms if there is no default.
    usual: (Verifier, Model),
    /// A receiver with all algorithms and a tolerance of a year.
    all: (Verifier, Model),
}

/// The secrets of providers with a static token. An input holds a token in plain text.
const TOKENS: [&str; 2] = ["token", "tokens"];

impl Heads {
    /// Selects the providers with heads of this shape.
    #[must_use]
    pub fn of(shape: Shape) -> Self {
        let providers: Vec<_> = ROWS.iter().filter(|row| row.description.shape() == shape).map(Provider::new).collect();
        assert!(!providers.is_empty(), "no provider's head has the shape {shape:?}");
        Self(providers)
    }

    /// Compares the verdicts of the crate and of the model on one head. Returns whether the head is accepted.
    pub fn judge(&self, input: &[u8]) -> bool {
        let mut lines = Lines::new(input);
        let name = lines.next().unwrap_or_default();
        let (name, all) = name.strip_suffix(b"+").map_or((name, false), |name| (name, true));
        let named = self.0.iter().find(|provider| provider.name.as_bytes() == name);
        let other = || &self.0[name.iter().map(|byte| usize::from(*byte)).sum::<usize>() % self.0.len()];
        let provider = named.unwrap_or_else(other);
        let (verifier, model) = if all { &provider.all } else { &provider.usual };
        let (seconds, relative) = lines.time();
        let (method, target) = lines.request_line();
        let mut request = Request { method, target, headers: Vec::with_capacity(8) };
        request.headers.extend(lines.filter_map(|line| provider.header(line)));

        let now = i128::from(seconds) * 1_000_000_000 + if relative { model.about(&request) } else { 0 };

        let begun = verifier.begin_at(&request, moment(now));
        let rejected = begun.err().map(|rejection| rejection.kind());
        assert_eq!(rejected.is_none(), model.begins(&request, now), "{} returned {rejected:?} for {request:?} at {now}", provider.name);

        // `head_fault` uses the machine's clock and no keys.
        let fault = verifier.head_fault(&request);
        let by_clock = matches!(fault, Some(RejectionKind::TimestampTooOld | RejectionKind::TimestampTooNew));
        let agrees = match rejected {
            None | Some(RejectionKind::TokenMismatch) => fault.is_none() || by_clock,
            Some(RejectionKind::TimestampTooOld | RejectionKind::TimestampTooNew) => true,
            rejected => fault == rejected || by_clock,
        };
        assert!(agrees, "{} returned {fault:?}, and then {rejected:?}, for {request:?}", provider.name);
        rejected.is_none()
    }
}

impl Provider {
    fn new(row: &crate::rows::Row) -> Self {
        let description = row.description;
        let mut headers = description.headers();
        headers.extend(headers.clone().iter().map(|name| {
            let swapped = name.bytes().map(|byte| if byte.is_ascii_alphabetic() { char::from(byte ^ 0x20) } else { byte.into() });
            swapped.collect()
        }));
        let receiver = |all: bool| {
            let mut model = Model::new(description);
            let mut builder = Verifier::builder(row.scheme);
            let secrets = if row.scheme.covers_body() { vec![row.scheme.secret_of(&[7; 32])] } else { TOKENS.map(String::from).to_vec() };
            for (place, secret) in secrets.into_iter().enumerate() {
                let bytes = Model::key_of(&description, secret.as_bytes()).expect("the secret has the form of the provider");
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
            (builder.build().expect("the verifier builds"), model)
        };
        Self { name: row.scheme.name(), headers, usual: receiver(false), all: receiver(true) }
    }

    fn header<'a>(&'a self, line: &'a [u8]) -> Option<(&'a str, &'a [u8])> {
        let (which, value) = line.split_first()?;
        let place = usize::from(which.wrapping_sub(b'0')) % self.headers.len();
        Some((&self.headers[place], value))
    }
}
