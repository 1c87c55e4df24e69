use std::fmt;

/// What is probably the matter with a rejected delivery: for the operator, found cheaply, and no proof of anything.
///
/// Asked for by [`VerifierBuilder::hints`](crate::VerifierBuilder::hints). It is the field `hint` of the event, and told to an
/// [`Observer`](crate::observe::Observer) by [`Verdict::hint`](crate::observe::Verdict::hint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// The signature would match if the white space at the ends of the secret were not part of it.
    SecretHasWhiteSpace,
    /// The head shows the signature header of another provider, by its name in [`providers`](crate::providers).
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
}
