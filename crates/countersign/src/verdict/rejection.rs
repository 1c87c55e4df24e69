use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::verdict::hint::Hint;
use crate::verdict::rejection_kind::RejectionKind;

/// The rejection of a delivery, with the cause for the operator.
///
/// [`kind`](Self::kind) and `Display` name the precise cause. [`source`](Error::source) returns the
/// underlying error. The sender receives only [`status_code`](Self::status_code), so that a
/// stranger learns nothing from trying.
///
/// A rejection holds no secret, signature, header value or body. Two sources are errors of other
/// code:
/// - The source of [`BodyUnreadable`](RejectionKind::BodyUnreadable) is the framework's error.
/// - The source of [`KeysUnavailable`](RejectionKind::KeysUnavailable) is the resolver's error.
///
/// A rejection is cheap to clone.
#[doc(alias("401", "unauthorized"))]
#[derive(Clone)]
pub struct Rejection {
    kind: RejectionKind,
    scheme: SchemeName,
    source: Option<Arc<dyn Error + Send + Sync>>,
    progress: Progress,
    hint: Option<Hint>,
    tenant: Option<Arc<str>>,
}

/// The phase of a delivery at the time of the rejection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before the body was polled.
    #[default]
    BeforeBody,
    /// From the first poll of the body on.
    Body,
    /// After the body failed. Nothing more can be read.
    Failed,
}

/// The progress of a delivery.
#[derive(Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    pub(crate) body_bytes: usize,
    /// The time since the head, if measured.
    pub(crate) time: Option<Duration>,
}

/// The name of the scheme in use, or of all schemes of a verifier.
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

    /// Returns the name of the scheme, such as `jira`. If a verifier has several schemes and the
    /// head has none of their signature headers, returns all names: `jira|github`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        match &self.scheme {
            SchemeName::One(name) => name,
            SchemeName::Several(names) => names,
        }
    }

    /// Returns the tenant of the keys in use. `None` without tenants, or if the tenant is unknown.
    /// See [`VerifierTemplate::for_tenant`](crate::tenant::VerifierTemplate::for_tenant).
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Returns the cause.
    #[must_use]
    pub const fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// Returns the HTTP status of the response: 400, 401, 408, 413 or 503. [`RejectionKind`] lists
    /// the status of each cause.
    #[must_use]
    pub const fn status_code(&self) -> u16 {
        self.kind.status_code()
    }

    /// Returns the HTTP status for an adapter that acknowledges rejected deliveries: 204 instead of
    /// 401. Every other status equals [`status_code`](Self::status_code). WebSub allows a
    /// subscriber to acknowledge such deliveries
    /// ([§7](https://www.w3.org/TR/websub/#signing-content)).
    #[must_use]
    pub const fn acknowledging_status_code(&self) -> u16 {
        match self.status_code() {
            401 => 204,
            other => other,
        }
    }

    /// Returns the header field that a response with this status needs, as name and value. A
    /// response written by the application needs the header field too. The header field is the same
    /// for every cause.
    ///
    /// - A 401 must carry `WWW-Authenticate` (RFC 9110 §15.5.2).
    /// - A 503 carries `Retry-After` (RFC 9110 §10.2.3), and invites the sender to retry after 30
    ///   seconds.
    ///
    /// Returns `None` for any other status.
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
    fn only_401_rejections_are_acknowledged_with_204() {
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
