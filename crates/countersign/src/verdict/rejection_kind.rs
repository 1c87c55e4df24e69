use std::fmt;

/// The causes for which a delivery is refused. The status behind each is what [`Rejection::status_code`](crate::Rejection::status_code) returns.
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
