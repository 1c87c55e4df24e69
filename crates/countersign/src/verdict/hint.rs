use std::fmt;

/// The probable cause of a rejection, for the operator. A hint is cheap to find, and proves
/// nothing.
///
/// [`VerifierBuilder::hints`](crate::VerifierBuilder::hints) turns hints on. The hint is the field
/// `hint` of the log event. An [`Observer`](crate::observe::Observer) gets the hint from
/// [`Verdict::hint`](crate::observe::Verdict::hint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// The signature would match without the white space at the ends of the secret.
    SecretHasWhiteSpace,
    /// The head has the signature header of another provider. Holds the name of that provider in
    /// [`providers`](crate::providers).
    OtherProvider(&'static str),
    /// The header field `Authorization` holds a JWT. Webhooks of Jira's Connect and OAuth 2.0 apps
    /// send a JWT instead of a signature made with a secret. A verifier does not verify a JWT.
    /// Register the webhook as an administrator, with a secret.
    Jwt,
    /// The body is empty. Perhaps a component in front of the receiver consumed the body.
    EmptyBody,
    /// The body has a `Content-Encoding`. Perhaps a component in front of the receiver compressed
    /// or decompressed the body.
    ContentEncoding,
}

impl Hint {
    /// Returns the name for logs, such as `secret_has_white_space`.
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
            Self::SecretHasWhiteSpace => f.write_str("the secret begins or ends with white space, and matches without the white space"),
            Self::OtherProvider(name) => write!(f, "the request head holds a signature of {name}"),
            Self::Jwt => f.write_str(
                "the request head holds a JWT, as from Jira's Connect and OAuth 2.0 apps: register the webhook as an administrator",
            ),
            Self::EmptyBody => f.write_str("the body is empty"),
            Self::ContentEncoding => f.write_str("the body has a Content-Encoding, and a proxy may have decompressed the body"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hint_has_a_unique_label_and_sentence() {
        let all = [Hint::SecretHasWhiteSpace, Hint::OtherProvider("jira"), Hint::Jwt, Hint::EmptyBody, Hint::ContentEncoding];
        for (place, hint) in all.iter().enumerate() {
            let (label, sentence) = (hint.as_str(), hint.to_string());
            assert!(label.len() > 2 && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{label}");
            assert!(sentence.contains(' '), "{sentence}");
            let others = all.iter().take(place);
            assert!(others.clone().all(|other| other.as_str() != label && other.to_string() != sentence), "{label}");
        }
    }
}
