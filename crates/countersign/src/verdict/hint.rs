use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::providers;
use crate::request::head::Head;
use crate::scheme::Scheme;
use crate::verdict::rejection::RejectionKind;
use crate::verifier::parse;

/// What is probably the matter with a refused delivery: for the operator, found cheaply, and no proof of anything.
///
/// Asked for by [`VerifierBuilder::hints`](crate::VerifierBuilder::hints). It is the field `hint` of the event, and told to an
/// [`Observer`](crate::Observer) by [`Verdict::hint`](crate::Verdict::hint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// The signature would match if the white space at the ends of the secret were not part of it.
    SecretHasWhiteSpace,
    /// The head shows the signature header of another provider, by its name in [`providers`].
    OtherProvider(&'static str),
    /// There is a JWT in `Authorization`, as webhooks of Jira's Connect and OAuth 2.0 apps send: they are not signed by a secret, and are not
    /// what this verifies. Register the webhook as an administrator, with a secret.
    Jwt,
    /// The body is empty. Perhaps something in front of the receiver has taken it.
    EmptyBody,
    /// The body has a `Content-Encoding`. Perhaps something in front has compressed or decompressed it.
    ContentEncoding,
}

impl Hint {
    /// About a delivery that was refused by its head.
    pub(crate) fn of_head(scheme: &Scheme, kind: RejectionKind, head: &dyn Head) -> Option<Self> {
        use RejectionKind as Kind;
        let about_the_header = matches!(
            kind,
            Kind::MissingSignature
                | Kind::MalformedSignature
                | Kind::UnknownMethod
                | Kind::MethodNotAllowed
                | Kind::TagLength
                | Kind::TagEncoding
        );
        if !about_the_header {
            return None;
        }
        let mut jwt = false;
        head.header("authorization", &mut |value| jwt |= value.starts_with(b"JWT ") || value.starts_with(b"Bearer eyJ"));
        // A token's header, such as `Authorization`, says nothing about who sent it.
        let others = providers::ALL.iter().filter(|other| other.covers_body() && other.shared_header(scheme).is_none());
        let mut others = others.filter(|other| parse::is_present(other, head));
        if jwt { Some(Self::Jwt) } else { others.next().map(|other| Self::OtherProvider(other.name())) }
    }

    /// The name for logs: `secret_has_white_space`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SecretHasWhiteSpace => "secret_has_white_space",
            Self::OtherProvider(_) => "other_provider",
            Self::Jwt => "jwt",
            Self::EmptyBody => "empty_body",
            Self::ContentEncoding => "content_encoding",
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretHasWhiteSpace => f.write_str("the secret has white space at an end, and would match without it"),
            Self::OtherProvider(name) => write!(f, "the head shows a signature of {name}"),
            Self::Jwt => f.write_str("there is a JWT, as Jira's Connect and OAuth 2.0 apps send: register the webhook as an administrator"),
            Self::EmptyBody => f.write_str("the body is empty"),
            Self::ContentEncoding => f.write_str("the body has a Content-Encoding, and may have been changed on the way"),
        }
    }
}

/// So many refusals a second are looked into, and no more: a flood is not to be diagnosed.
const A_SECOND: u64 = 10;

/// Lets so many through in a second.
pub(crate) struct Rate {
    began: Instant,
    /// The second, since it began, in the upper half, and how many in the lower.
    state: AtomicU64,
}

impl Rate {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), state: AtomicU64::new(0) }
    }

    pub(crate) fn allows(&self, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.began).min(Duration::from_secs(u32::MAX.into())).as_secs();
        let next = |state: u64| {
            let count = if state >> 32 == second { state & u64::from(u32::MAX) } else { 0 };
            (count < A_SECOND).then(|| (second << 32) | count.saturating_add(1))
        };
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_label_and_a_sentence_of_its_own() {
        let all = [Hint::SecretHasWhiteSpace, Hint::OtherProvider("jira"), Hint::Jwt, Hint::EmptyBody, Hint::ContentEncoding];
        for (place, hint) in all.iter().enumerate() {
            let (label, sentence) = (hint.as_str(), hint.to_string());
            assert!(label.len() > 2 && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{label}");
            assert!(sentence.contains(' '), "{sentence}");
            let others = all.iter().take(place);
            assert!(others.clone().all(|other| other.as_str() != label && other.to_string() != sentence), "{label}");
        }
    }

    #[test]
    fn ten_a_second_are_let_through() {
        let rate = Rate::new();
        let at = |millis| rate.began + Duration::from_millis(millis);
        let count = |millis| (0..1000).filter(|_| rate.allows(at(millis))).count();
        assert_eq!([count(0), count(999), count(1000), count(1500), count(5000), count(100_000_000)], [10, 0, 10, 0, 10, 10]);
    }
}
