use crate::scheme::validate::is_url_byte;

/// The sender's target URL, as configured at the receiver.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Url {
    Whole(Box<str>),
    /// Scheme and authority. The request adds path and query.
    Base(Box<str>),
}

impl Url {
    /// Creates a whole URL, in exactly the characters signed by the sender.
    pub(crate) fn whole(text: &str) -> Option<Self> {
        authority_and_rest(text).map(|_| Self::Whole(text.into()))
    }

    /// Creates a URL without path and query.
    pub(crate) fn base(text: &str) -> Option<Self> {
        let (_, rest) = authority_and_rest(text)?;
        rest.is_empty().then(|| Self::Base(text.into()))
    }

    /// Returns the request target if the target can follow a base.
    pub(crate) fn target(target: &str) -> Option<&str> {
        (target.starts_with('/') && target.bytes().all(|byte| is_url_byte(byte) && byte != b'#')).then_some(target)
    }
}

/// Splits `https://host:443/path?query` behind the authority.
///
/// Returns `None` for any other text. A fragment is rejected because clients never send a fragment
/// (RFC 9110 §7.1).
fn authority_and_rest(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (authority, rest) = rest.split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))?;
    let sound = !authority.is_empty() && text.bytes().all(|byte| is_url_byte(byte) && byte != b'#');
    sound.then_some((authority, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_absolute_ascii_and_base_url_has_no_path() {
        for text in ["https://example.com", "http://localhost:8080", "https://[::1]"] {
            assert!(Url::whole(text).is_some() && Url::base(text).is_some(), "{text}");
        }
        for text in ["https://example.com/", "https://example.com/a?b=c%20d", "https://example.com?b"] {
            assert!(Url::whole(text).is_some() && Url::base(text).is_none(), "{text}");
        }
        for text in ["", "example.com", "/hook", "ftp://example.com", "https://", "https:///a", "https://a b", "https://a/#b", "https://ü"]
        {
            assert!(Url::whole(text).is_none() && Url::base(text).is_none(), "{text}");
        }
    }

    #[test]
    fn target_is_a_path_without_delimiters_or_non_ascii() {
        for text in ["/", "/a/b?c=d&e=%7B[]"] {
            assert_eq!(Url::target(text), Some(text));
        }
        for text in ["", "*", "a", "https://example.com/", "/{", "/\"", "/ ", "/\n", "/a#b", "/ü", "/<", "/|"] {
            assert_eq!(Url::target(text), None, "{text}");
        }
    }
}
