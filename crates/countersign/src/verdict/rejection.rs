use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::verdict::hint::Hint;

/// Why a delivery was refused.
///
/// For the operator: [`kind`](Self::kind) and `Display` name the precise cause, [`source`](Error::source) what broke underneath. The
/// sender is told only [`status_code`](Self::status_code), so that a stranger learns nothing from trying.
///
/// It holds no secret, tag, header value or body; what the framework's own error says, which is the source of
/// [`BodyUnreadable`](RejectionKind::BodyUnreadable), is the framework's, and what the source of
/// [`KeysUnavailable`](RejectionKind::KeysUnavailable) says, the resolver's. It is cheap to clone.
#[derive(Clone)]
pub struct Rejection {
    kind: RejectionKind,
    scheme: SchemeName,
    source: Option<Arc<dyn Error + Send + Sync>>,
    seen: Seen,
    hint: Option<Hint>,
    tenant: Option<Arc<str>>,
}

/// When a delivery was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before its body was asked for.
    #[default]
    Head,
    /// While its body was being taken in, of which more may come.
    Body,
    /// By the body itself, of which nothing more is to be had.
    Failed,
    /// At the end of its body.
    End,
}

/// How far a delivery had come.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) stage: Stage,
    pub(crate) body_bytes: usize,
    /// If it was measured.
    pub(crate) time: Option<Duration>,
}

/// Of the scheme that judged, or of all that could have.
#[derive(Clone)]
pub(crate) enum SchemeName {
    One(&'static str),
    Several(Arc<str>),
}

impl From<&'static str> for SchemeName {
    fn from(name: &'static str) -> Self {
        Self::One(name)
    }
}

impl Rejection {
    pub(crate) fn new(kind: RejectionKind, scheme: impl Into<SchemeName>) -> Self {
        Self { kind, scheme: scheme.into(), source: None, seen: Seen::default(), hint: None, tenant: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Arc<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn of_tenant(mut self, tenant: Option<&Arc<str>>) -> Self {
        self.tenant = tenant.cloned();
        self
    }

    pub(crate) const fn after(mut self, seen: Seen) -> Self {
        self.seen = seen;
        self
    }

    pub(crate) const fn with_hint(mut self, hint: Option<Hint>) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) const fn hint(&self) -> Option<Hint> {
        self.hint
    }

    pub(crate) const fn seen(&self) -> Seen {
        self.seen
    }

    /// The scheme that judged, by its name: `jira`. Where a verifier has several and the head shows none of their signatures, all of them:
    /// `jira|github`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        match &self.scheme {
            SchemeName::One(name) => name,
            SchemeName::Several(names) => names,
        }
    }

    /// The tenant by whose keys it was judged, if there are tenants and this is a known one: see
    /// [`Verifier::for_tenant`](crate::Verifier::for_tenant).
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The cause.
    #[must_use]
    pub const fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The HTTP status to answer with: 401, 413, 400, 408 or 503, as [`RejectionKind`] lists them.
    #[must_use]
    pub const fn status_code(&self) -> u16 {
        match self.kind {
            RejectionKind::BodyTooLarge => 413,
            RejectionKind::BodyUnreadable => 400,
            RejectionKind::TooSlow => 408,
            RejectionKind::BudgetSpent | RejectionKind::NoValidKey | RejectionKind::KeysUnavailable => 503,
            _ => 401,
        }
    }

    /// The HTTP status for an adapter that acknowledges what it drops: 204 in place of 401, and otherwise
    /// [`status_code`](Self::status_code). WebSub lets a subscriber do so
    /// ([§7](https://www.w3.org/TR/websub/#signing-content)).
    #[must_use]
    pub const fn acknowledging_status_code(&self) -> u16 {
        match self.status_code() {
            401 => 204,
            other => other,
        }
    }

    /// The header that an answer of this status needs, as name and value, whatever else an application puts into it. It is the same for
    /// every cause.
    ///
    /// - 401 must carry a `WWW-Authenticate` (RFC 9110 §15.5.2).
    /// - 503 says by `Retry-After` (RFC 9110 §10.2.3) that it is worth while to come again: after half a minute.
    #[must_use]
    pub const fn required_header(status: u16) -> Option<(&'static str, &'static str)> {
        match status {
            401 => Some(("www-authenticate", "WebhookSignature")),
            503 => Some(("retry-after", "30")),
            _ => None,
        }
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("kind", &self.kind)
            .field("scheme", &self.scheme())
            .field("tenant", &self.tenant)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The causes for which a delivery is refused. The status behind each is what [`Rejection::status_code`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// 401: the signature header is absent or empty. Usual cause: the sender has no secret set.
    MissingSignature,
    /// 401: the signature header is there more than once.
    DuplicateSignature,
    /// 401: the signature header holds a byte over 0x7F, and no signature that is well formed.
    NonAsciiSignature,
    /// 401: the signature header is not of the scheme's form, such as `method=signature`.
    MalformedSignature,
    /// 401: the name in front of the signature is none that the scheme knows.
    UnknownMethod,
    /// 401: the scheme knows the name in front of the signature, but this receiver does not accept its algorithm.
    MethodNotAllowed,
    /// 401: the signature has not the length of its algorithm's tag, perhaps because something cut it short.
    TagLength,
    /// 401: the signature is not in hex, or base64, as the scheme wants.
    TagEncoding,
    /// 401: more than 16 signatures, malformed ones among them.
    TooManySignatures,
    /// 401: the timestamp is absent.
    MissingTimestamp,
    /// 401: the timestamp is there more than once, or not in the scheme's [`TimeFormat`](crate::TimeFormat) to the letter.
    MalformedTimestamp,
    /// 401: signed longer ago than the scheme tolerates. Usual causes: a replay, or a receiver's clock that is fast.
    TimestampTooOld,
    /// 401: signed further ahead than the scheme tolerates. Usual cause: a receiver's clock that is slow.
    TimestampTooNew,
    /// 401: the signed delivery id is absent.
    MissingId,
    /// 401: the signed delivery id is there more than once, or has characters or a length that the scheme does not allow.
    MalformedId,
    /// 401: the scheme signs the method, and it is not one in upper-case letters.
    MalformedMethod,
    /// 401: the scheme signs the URL, and the request's target holds a character that no URL may, or no path.
    MalformedTarget,
    /// 401: a static token that is none of the keys. Usual cause: another secret.
    WrongToken,
    /// 401: a well-formed signature that no key makes of this body. Usual causes: another secret, or a body changed on the way.
    Mismatch,
    /// 401: a well-formed signature for a tenant that is not known here, or for none. The sender cannot tell it from a wrong signature.
    UnknownTenant,
    /// 413: the body is, or is announced to be, over the limit, or larger than the whole [`Budget`](crate::Budget).
    BodyTooLarge,
    /// 400: the body broke off or could not be read.
    BodyUnreadable,
    /// 408: the body came more slowly than the [`Deadline`](crate::Deadline) allows.
    TooSlow,
    /// 503: there is no room for the body in the [`Budget`](crate::Budget). Senders repeat it.
    BudgetSpent,
    /// 503: all keys have expired. Senders repeat it.
    NoValidKey,
    /// 503: where the tenants' keys come from is down, too slow or at fault; `source` says why. Senders repeat it.
    KeysUnavailable,
}

impl RejectionKind {
    /// In the order of their declaration.
    pub(crate) const ALL: [Self; 26] = [
        Self::MissingSignature,
        Self::DuplicateSignature,
        Self::NonAsciiSignature,
        Self::MalformedSignature,
        Self::UnknownMethod,
        Self::MethodNotAllowed,
        Self::TagLength,
        Self::TagEncoding,
        Self::TooManySignatures,
        Self::MissingTimestamp,
        Self::MalformedTimestamp,
        Self::TimestampTooOld,
        Self::TimestampTooNew,
        Self::MissingId,
        Self::MalformedId,
        Self::MalformedMethod,
        Self::MalformedTarget,
        Self::WrongToken,
        Self::Mismatch,
        Self::UnknownTenant,
        Self::BodyTooLarge,
        Self::BodyUnreadable,
        Self::TooSlow,
        Self::BudgetSpent,
        Self::NoValidKey,
        Self::KeysUnavailable,
    ];

    /// Where it stands among them.
    pub(crate) const fn place(self) -> usize {
        self as usize
    }

    /// The cause in `snake_case`, a fixed word for metrics and log queries: `missing_signature`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.words().0
    }

    pub(crate) const fn text(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::MissingSignature => ("missing_signature", "the signature header is absent or empty"),
            Self::DuplicateSignature => ("duplicate_signature", "the signature header is there more than once"),
            Self::NonAsciiSignature => ("non_ascii_signature", "the signature header holds bytes that are not ASCII"),
            Self::MalformedSignature => ("malformed_signature", "the signature header is not in the form of the scheme"),
            Self::UnknownMethod => ("unknown_method", "the scheme does not know the method of the signature"),
            Self::MethodNotAllowed => ("method_not_allowed", "the method of the signature is not allowed here"),
            Self::TagLength => ("tag_length", "the signature has not the length of its method"),
            Self::TagEncoding => ("tag_encoding", "the signature is not encoded as the scheme demands"),
            Self::TooManySignatures => ("too_many_signatures", "there are more signatures than are looked at"),
            Self::MissingTimestamp => ("missing_timestamp", "the timestamp is absent"),
            Self::MalformedTimestamp => ("malformed_timestamp", "the timestamp is not in the form of the scheme"),
            Self::TimestampTooOld => ("timestamp_too_old", "the delivery was signed too long ago"),
            Self::TimestampTooNew => ("timestamp_too_new", "the delivery was signed too far ahead of the clock"),
            Self::MissingId => ("missing_id", "the signed delivery id is absent"),
            Self::MalformedId => ("malformed_id", "the signed delivery id is not in the form of the scheme"),
            Self::MalformedMethod => ("malformed_method", "the signed method is not one in upper-case letters"),
            Self::MalformedTarget => ("malformed_target", "the signed target of the request is no part of a URL"),
            Self::WrongToken => ("wrong_token", "the token is none that is known here"),
            Self::Mismatch => ("mismatch", "no key makes this signature of this body"),
            Self::UnknownTenant => ("unknown_tenant", "the tenant is none that is known here"),
            Self::BodyTooLarge => ("body_too_large", "the body is larger than the limit"),
            Self::BodyUnreadable => ("body_unreadable", "the body broke off or could not be read"),
            Self::TooSlow => ("too_slow", "the body came too slowly"),
            Self::NoValidKey => ("no_valid_key", "all keys have expired"),
            Self::KeysUnavailable => ("keys_unavailable", "the keys cannot be had now"),
            Self::BudgetSpent => ("budget_spent", "too many bytes of bodies are in memory already"),
        }
    }
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_acknowledged_is_401_and_nothing_else() {
        for kind in RejectionKind::ALL {
            let rejection = Rejection::new(kind, "jira");
            let expected = match kind {
                RejectionKind::BodyTooLarge => (413, 413),
                RejectionKind::BodyUnreadable => (400, 400),
                RejectionKind::TooSlow => (408, 408),
                RejectionKind::BudgetSpent | RejectionKind::NoValidKey | RejectionKind::KeysUnavailable => (503, 503),
                _ => (401, 204),
            };
            assert_eq!((rejection.status_code(), rejection.acknowledging_status_code()), expected, "{kind}");
            assert_eq!(kind.to_string(), kind.as_str());
        }
    }
}
