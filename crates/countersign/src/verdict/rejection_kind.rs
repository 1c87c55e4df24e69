use std::fmt;

/// Generates the enum from rows of docs, name, status, label and text.
macro_rules! rejection_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:literal, $label:literal, $text:literal;)+) => {
        /// The cause of a rejection.
        ///
        /// The status is the HTTP status of the response. The label is a fixed word for metrics and
        /// log queries.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RejectionKind {
            $(
                $(#[doc = $doc])+
                ///
                #[doc = concat!("Status ", stringify!($status), ", label `", $label, "`.")]
                $name,
            )+
        }

        impl RejectionKind {
            /// All kinds, in the order of declaration.
            pub(crate) const ALL: [Self; [$($label),+].len()] = [$(Self::$name),+];

            /// Returns the HTTP status of the response: 400, 401, 408, 413 or 503.
            #[must_use]
            pub const fn status_code(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                }
            }

            /// Returns the label in `snake_case`, a fixed word for metrics and log queries:
            /// `missing_signature`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }

            /// Returns the sentence for the operator.
            pub(crate) const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

rejection_kinds! {
    /// The signature header is absent or empty. Usual cause: the sender has no secret set.
    MissingSignature = 401, "missing_signature", "the signature header is absent or empty";

    /// The signature header occurs more than once.
    DuplicateSignature = 401, "duplicate_signature", "the signature header occurs more than once";

    /// The signature header holds a byte above 0x7F, and no well-formed signature.
    NonAsciiSignature = 401, "non_ascii_signature", "the signature header holds bytes that are not ASCII";

    /// The signature header does not have the scheme's form, such as `method=signature`.
    MalformedSignature = 401, "malformed_signature", "the signature header does not have the scheme's form";

    /// The scheme does not know the name in front of the signature.
    UnknownAlgorithm = 401, "unknown_algorithm", "the scheme does not know the signature's algorithm";

    /// The receiver does not accept the algorithm named in front of the signature. The scheme knows
    /// the algorithm.
    AlgorithmNotAllowed = 401, "algorithm_not_allowed", "this receiver does not accept the signature's algorithm";

    /// The signature has the wrong length for its algorithm. Usual cause: a proxy or a database
    /// column cut the header short.
    SignatureLength = 401, "signature_length", "the signature has the wrong length for its algorithm";

    /// The signature is not in the scheme's encoding, such as hex or base64.
    SignatureEncoding = 401, "signature_encoding", "the signature is not in the scheme's encoding";

    /// The delivery holds more than 16 signatures. Malformed signatures count.
    TooManySignatures = 401, "too_many_signatures", "the delivery holds more than 16 signatures";

    /// The timestamp is absent.
    MissingTimestamp = 401, "missing_timestamp", "the timestamp is absent";

    /// The timestamp occurs more than once, or differs from the scheme's exact
    /// [`TimestampFormat`](crate::scheme::TimestampFormat).
    MalformedTimestamp = 401, "malformed_timestamp", "the timestamp does not have the scheme's form";

    /// The delivery was signed longer ago than the tolerance allows. Usual causes: a replay, or a
    /// fast clock at the receiver.
    TimestampTooOld = 401, "timestamp_too_old", "the delivery was signed too long ago";

    /// The delivery was signed further in the future than the tolerance allows. Usual cause: a slow
    /// clock at the receiver, or a clock that was never set.
    TimestampTooNew = 401, "timestamp_too_new", "the delivery was signed too far ahead of the clock";

    /// The signed delivery id is absent.
    MissingId = 401, "missing_id", "the signed delivery id is absent";

    /// The signed delivery id occurs more than once, or has characters or a length outside the
    /// scheme's rules.
    MalformedId = 401, "malformed_id", "the signed delivery id does not have the scheme's form";

    /// The scheme signs the method, and the method is not all upper-case letters.
    MalformedMethod = 401, "malformed_method", "the signed method is not all upper-case letters";

    /// The scheme signs the URL, and the request target does not begin with `/` or holds a
    /// character not allowed in a URL.
    MalformedTarget = 401, "malformed_target", "the signed request target is not the path of a URL";

    /// The static token matches no key. Usual cause: another secret.
    TokenMismatch = 401, "token_mismatch", "the token does not match any key";

    /// The signature is well formed and matches no key. Usual causes: another secret, or a body
    /// changed on the way.
    SignatureMismatch = 401, "signature_mismatch", "the signature does not match any key";

    /// The signature is well formed, and the tenant is unknown or the request names no tenant. The
    /// response is that of a wrong signature.
    UnknownTenant = 401, "unknown_tenant", "the tenant is unknown";

    /// The body, announced or received, is larger than the limit or than the whole
    /// [`MemoryBudget`](crate::MemoryBudget). A body limit set by the application itself counts
    /// too.
    BodyTooLarge = 413, "body_too_large", "the body is larger than the limit";

    /// The body broke off or could not be read.
    BodyUnreadable = 400, "body_unreadable", "the body broke off or could not be read";

    /// The body arrived more slowly than the [`Deadline`](crate::Deadline) allows.
    BodyTimeout = 408, "body_timeout", "the body arrived too slowly";

    /// The [`MemoryBudget`](crate::MemoryBudget) has no room for the body. Senders repeat the
    /// delivery.
    BudgetExhausted = 503, "budget_exhausted", "the memory budget is exhausted";

    /// All keys have expired. Senders repeat the delivery.
    KeysExpired = 503, "keys_expired", "all keys have expired";

    /// The source of the tenants' keys is down, too slow or at fault. `source` returns the error.
    /// Senders repeat the delivery.
    KeysUnavailable = 503, "keys_unavailable", "the keys are unavailable";
}

impl RejectionKind {
    /// Returns the position in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
