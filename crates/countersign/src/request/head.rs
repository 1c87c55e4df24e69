use std::borrow::Cow;

use crate::request::header_index::{HeaderIndex, HeaderValues, Marks};

/// The head of a request: method, target and header fields, borrowed from the framework's request.
///
/// Adapters implement this trait. A call needs no copy and no allocation. `&dyn RequestHead`
/// implements the trait too.
///
/// Arrays, slices and `Vec`s of header name and value pairs are heads too, for tests and for
/// programs without a framework. Such a head stands for a `POST` to `/`, for a webhook without a
/// URL of its own.
///
/// ```
/// use countersign::RequestHead;
///
/// let head = [("X-Hub-Signature", "sha256=00"), ("Content-Type", "application/json")];
/// let mut values = Vec::new();
/// head.header("x-hub-signature", &mut |value| values.push(value));
/// assert_eq!(values, [b"sha256=00"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the head of a request",
    note = "collect the headers into a `Vec` of name and value, such as `(&str, &[u8])`, or implement `RequestHead` for a type of your own"
)]
pub trait RequestHead {
    /// Returns the method as sent. Nearly every webhook uses `POST`.
    fn method(&self) -> &str;

    /// Returns path and query as sent, undecoded: `/jira?project=A%20B`.
    ///
    /// This is the origin-form of RFC 9112 §3.2.1. A framework may already have removed a prefix
    /// for routing, for example axum by `nest`.
    fn target(&self) -> &str;

    /// Returns path and query as sent, even if routing has removed a prefix from
    /// [`target`](Self::target).
    ///
    /// For a [`Resolver`](crate::tenant::Resolver), and for schemes signing the URL
    /// ([`base_url`](crate::VerifierBuilder::base_url)). Returns [`target`](Self::target) by
    /// default.
    fn original_target(&self) -> &str {
        self.target()
    }

    /// Returns the tenant found by the application, for example by an outer middleware.
    ///
    /// The application tells the adapter how to read the tenant, with `tenant_by` of each adapter.
    /// Only a [`Resolver`](crate::tenant::Resolver) calls this method, perhaps more than once.
    fn tenant(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Adds all header fields to `index` with [`HeaderIndex::extend`], duplicates included.
    ///
    /// Each check of a head calls this method once, and once more for each rarely used name. A
    /// [`Resolver`](crate::tenant::Resolver) may also call this method.
    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>);

    /// Calls `visit` with the value of each field called `name`, in the order of arrival.
    ///
    /// The default implementation searches all fields. Implement this method if a lookup by name is
    /// available.
    ///
    /// Names are compared without regard to case (RFC 9110 §5.1). Values are bytes, because a value
    /// need not be text.
    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.headers(&mut HeaderIndex::one(&Marks::of(name), name, visit));
    }

    /// Returns whether other requests share the connection, over HTTP/2 or HTTP/3. A rejection then
    /// ends only the stream. Nothing is drained, and the connection stays open.
    fn is_multiplexed(&self) -> bool {
        false
    }

    /// Returns whether a body follows under HTTP/1.1 (RFC 9112 §6.3). A `Content-Length` other than
    /// zero or a `Transfer-Encoding` announces a body.
    fn announces_body(&self) -> bool {
        let mut announces = false;
        self.header("content-length", &mut |value| announces |= value.iter().any(|byte| *byte != b'0'));
        self.header("transfer-encoding", &mut |_| announces = true);
        announces
    }
}

impl<H: RequestHead + ?Sized> RequestHead for &H {
    fn method(&self) -> &str {
        (**self).method()
    }

    fn target(&self) -> &str {
        (**self).target()
    }

    fn original_target(&self) -> &str {
        (**self).original_target()
    }

    fn tenant(&self) -> Option<Cow<'_, str>> {
        (**self).tenant()
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        (**self).header(name, visit);
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        (**self).headers(index);
    }

    fn is_multiplexed(&self) -> bool {
        (**self).is_multiplexed()
    }

    fn announces_body(&self) -> bool {
        (**self).announces_body()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> RequestHead for [(N, V)] {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/"
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.iter().map(|(name, value)| (name, value)));
    }
}

/// Implements `RequestHead` by the implementation for slices.
macro_rules! pairs {
    ([$($parameters:tt)*] $pairs:ty) => {
        impl<N: AsRef<str>, V: AsRef<[u8]>, $($parameters)*> RequestHead for $pairs {
            fn method(&self) -> &str {
                self.as_slice().method()
            }

            fn target(&self) -> &str {
                self.as_slice().target()
            }

            fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
                self.as_slice().headers(index);
            }
        }
    };
}

pairs!([const LEN: usize] [(N, V); LEN]);
pairs!([] Vec<(N, V)>);

/// Returns the body length announced in decimal digits (RFC 9110 §8.6). With several fields, the
/// largest value counts.
///
/// Returns 0 without an announcement: the received bytes are counted anyway. A value other than a
/// number counts as 0. Rejecting such a value is the task of the server.
pub(crate) fn announced(head: &dyn RequestHead) -> usize {
    let mut announced = 0;
    head.header(CONTENT_LENGTH, &mut |value| announced = announced.max(length(value)));
    announced
}

pub(crate) const CONTENT_LENGTH: &str = "content-length";

/// Parses a length. A number too large for `usize` is too large for any limit as well, and becomes
/// the maximum.
pub(crate) fn length(value: &[u8]) -> usize {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    value.iter().fold(0_usize, |length, digit| length.saturating_mul(10).saturating_add(usize::from(digit.wrapping_sub(b'0'))))
}

impl<'h> HeaderValues<'h> {
    /// Returns whether the head has a field of this name.
    pub(crate) fn is_there(head: &'h dyn RequestHead, name: &str) -> bool {
        !matches!(Self::of(head, name), Self::None)
    }

    /// Searches the head for one name. Only for rarely used names.
    pub(crate) fn of(head: &'h dyn RequestHead, name: &str) -> Self {
        let mut values = Self::None;
        head.header(name, &mut |value| values = values.and(value));
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head overriding every method except `header`.
    struct CustomHead;

    impl RequestHead for CustomHead {
        fn method(&self) -> &'static str {
            "PUT"
        }

        fn target(&self) -> &'static str {
            "/taken/off?b"
        }

        fn original_target(&self) -> &'static str {
            "/a/taken/off?b"
        }

        fn tenant(&self) -> Option<Cow<'_, str>> {
            Some("acme".into())
        }

        fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
            index.extend([("a", "1"), ("a", "2")]);
        }

        fn is_multiplexed(&self) -> bool {
            true
        }

        fn announces_body(&self) -> bool {
            true
        }
    }

    fn values(head: &dyn RequestHead, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        head.header(name, &mut |value| values.push(String::from_utf8_lossy(value).into_owned()));
        values
    }

    #[test]
    fn header_pairs_default_to_post_root_without_tenant() {
        let pairs = [("A", "1"), ("b", "2"), ("a", "3")];
        for head in [&pairs as &dyn RequestHead, &pairs.to_vec(), &&pairs[..], &&pairs] {
            assert_eq!((head.method(), head.target(), head.original_target(), head.tenant()), ("POST", "/", "/", None));
            assert!(!head.announces_body() && !head.is_multiplexed());
            assert_eq!([values(head, "a"), values(head, "absent"), values(head, "B")], [vec!["1", "3"], vec![], vec!["2"]]);
        }
    }

    #[test]
    fn reference_forwards_every_overridden_method() {
        for head in [&CustomHead as &dyn RequestHead, &&CustomHead] {
            assert_eq!((head.method(), head.target(), head.original_target()), ("PUT", "/taken/off?b", "/a/taken/off?b"));
            assert_eq!((head.tenant().as_deref(), head.is_multiplexed(), head.announces_body()), (Some("acme"), true, true));
            assert_eq!((values(head, "A"), values(head, "b").len()), (vec!["1".to_owned(), "2".to_owned()], 0));
        }
    }

    #[test]
    fn announced_length_is_the_largest_valid_content_length() {
        let announced_length = |values: &[&str]| announced(&values.iter().map(|value| ("Content-Length", *value)).collect::<Vec<_>>());
        for (values, expected) in [
            (&[][..], 0),
            (&["0"], 0),
            (&["7"], 7),
            (&["007"], 7),
            (&[""], 0),
            (&["-1"], 0),
            (&["+1"], 0),
            (&["1 "], 0),
            (&["0x1"], 0),
            (&["7", "9", "8"], 9),
            (&["99999999999999999999999999"], usize::MAX),
        ] {
            assert_eq!(announced_length(values), expected, "{values:?}");
        }
    }

    #[test]
    fn nonzero_length_or_transfer_encoding_announces_a_body() {
        let announces = |name, value| [("other", "1"), (name, value)].announces_body();
        for (name, value, expected) in [
            ("Content-Length", "0", false),
            ("content-length", "000", false),
            ("content-length", "", false),
            ("content-length", "1", true),
            ("content-length", "00x", true),
            ("Transfer-Encoding", "chunked", true),
            ("transfer-encoding", "", true),
            ("expect", "100-continue", false),
        ] {
            assert_eq!(announces(name, value), expected, "{name}: {value}");
        }
        assert!([("content-length", "7"), ("content-length", "0")].announces_body());
        assert!([("transfer-encoding", "chunked"), ("content-length", "0")].announces_body());
    }
}
