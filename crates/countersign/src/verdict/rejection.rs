use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::verdict::hint::Hint;
use crate::verdict::rejection_kind::RejectionKind;

/// Why a delivery was rejected.
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
    progress: Progress,
    hint: Option<Hint>,
    tenant: Option<Arc<str>>,
}

/// When a delivery was rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before its body was asked for.
    #[default]
    BeforeBody,
    /// While its body was being taken in, of which more may come.
    Body,
    /// By the body itself, of which nothing more is to be had.
    Failed,
    /// At the end of its body.
    End,
}

/// How far a delivery had come.
#[derive(Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
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
        Self { kind, scheme: scheme.into(), source: None, progress: Progress::default(), hint: None, tenant: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Arc<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn with_tenant(mut self, tenant: Option<&Arc<str>>) -> Self {
        self.tenant = tenant.cloned();
        self
    }

    pub(crate) const fn at(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    pub(crate) const fn with_hint(mut self, hint: Option<Hint>) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) const fn hint(&self) -> Option<Hint> {
        self.hint
    }

    pub(crate) const fn progress(&self) -> Progress {
        self.progress
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
    /// [`VerifierTemplate::for_tenant`](crate::tenant::VerifierTemplate::for_tenant).
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The cause.
    #[must_use]
    pub const fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// Returns the HTTP status to answer with: 400, 401, 408, 413 or 503, as [`RejectionKind`] lists them.
    #[must_use]
    pub const fn status_code(&self) -> u16 {
        self.kind.status_code()
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
                RejectionKind::BodyTimeout => (408, 408),
                RejectionKind::BudgetExhausted | RejectionKind::KeysExpired | RejectionKind::KeysUnavailable => (503, 503),
                _ => (401, 204),
            };
            assert_eq!((rejection.status_code(), rejection.acknowledging_status_code()), expected, "{kind}");
            assert_eq!(kind.to_string(), kind.as_str());
        }
    }
}
