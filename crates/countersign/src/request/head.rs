use std::borrow::Cow;

use crate::request::header_index::{HeaderIndex, HeaderValues, Marks};

/// What the core sees of a request before its body: method, target and header fields, borrowed from the framework's own request.
///
/// Adapters implement it; a call needs no copy and no allocation. It can be used as `&dyn RequestHead`.
///
/// Pairs of header name and value are a `RequestHead` too, for tests and for whoever has no framework: an array, a slice or a `Vec` of them
/// stands for a `POST` to `/`, as a webhook without its own URL.
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
    /// The method as sent, `POST` for nearly every webhook.
    fn method(&self) -> &str;

    /// Path and query as sent, undecoded (the origin-form of RFC 9112 §3.2.1): `/jira?project=A%20B`. A framework that routes by taking
    /// prefixes off, as axum's `nest` does, may have taken them off here too.
    fn target(&self) -> &str;

    /// Path and query as they were sent, where [`target`](Self::target) may have lost a prefix on the way: for a
    /// [`Resolver`](crate::tenant::Resolver), and for schemes that sign the URL ([`base_url`](crate::VerifierBuilder::base_url)).
    fn original_target(&self) -> &str {
        self.target()
    }

    /// What the application has found out about the tenant by itself, such as a middleware further out, where it has told the adapter how to
    /// get at it: by `tenant_by` of each adapter. For a [`Resolver`](crate::tenant::Resolver), which alone asks for it, perhaps
    /// more than once.
    fn tenant(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Hands all header fields to `index`, duplicates included, by [`HeaderIndex::extend`]. Judging calls it once, and for each
    /// name that is rarely asked for. A [`Resolver`](crate::tenant::Resolver) may call it as well.
    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>);

    /// Calls `visit` with the value of each field called `name`, in the order of arrival. It looks through all fields, so whoever can look a name
    /// up may do so instead.
    ///
    /// Names are compared without regard to case (RFC 9110 §5.1). Values are bytes, because they need not be text.
    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.headers(&mut HeaderIndex::one(&Marks::of(name), name, visit));
    }

    /// Whether other requests share the connection with this one, as over HTTP/2 and HTTP/3. Then nothing is drained after a rejection, and the connection
    /// stays: the rejection ends the stream alone.
    fn is_multiplexed(&self) -> bool {
        false
    }

    /// Whether a body follows, as HTTP/1.1 tells it (RFC 9112 §6.3): a `Content-Length` other than zero, or a `Transfer-Encoding`.
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

/// As a slice of them.
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

/// The length that the head announces: decimal digits (RFC 9110 §8.6), of several fields the largest; 0 where it announces none, for
/// what arrives is counted anyway. What a server let through that is not a number is not ours to judge.
pub(crate) fn announced(head: &dyn RequestHead) -> usize {
    let mut announced = 0;
    head.header(CONTENT_LENGTH, &mut |value| announced = announced.max(length(value)));
    announced
}

pub(crate) const CONTENT_LENGTH: &str = "content-length";

/// A number too large for the type is too large for any limit as well.
pub(crate) fn length(value: &[u8]) -> usize {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    value.iter().fold(0_usize, |length, digit| length.saturating_mul(10).saturating_add(usize::from(digit.wrapping_sub(b'0'))))
}

impl<'h> HeaderValues<'h> {
    /// Whether there is a field of this name at all.
    pub(crate) fn is_there(head: &'h dyn RequestHead, name: &str) -> bool {
        !matches!(Self::of(head, name), Self::None)
    }

    /// Looks through the head for one name: for what is rarely asked.
    pub(crate) fn of(head: &'h dyn RequestHead, name: &str) -> Self {
        let mut values = Self::None;
        head.header(name, &mut |value| values = values.and(value));
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head that answers for itself whatever it is asked.
    struct Own;

    impl RequestHead for Own {
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
    fn pairs_stand_for_a_post_to_the_root_of_no_tenant() {
        let pairs = [("A", "1"), ("b", "2"), ("a", "3")];
        for head in [&pairs as &dyn RequestHead, &pairs.to_vec(), &&pairs[..], &&pairs] {
            assert_eq!((head.method(), head.target(), head.original_target(), head.tenant()), ("POST", "/", "/", None));
            assert!(!head.announces_body() && !head.is_multiplexed());
            assert_eq!([values(head, "a"), values(head, "absent"), values(head, "B")], [vec!["1", "3"], vec![], vec!["2"]]);
        }
    }

    #[test]
    fn what_a_head_says_itself_is_said_by_its_reference() {
        for head in [&Own as &dyn RequestHead, &&Own] {
            assert_eq!((head.method(), head.target(), head.original_target()), ("PUT", "/taken/off?b", "/a/taken/off?b"));
            assert_eq!((head.tenant().as_deref(), head.is_multiplexed(), head.announces_body()), (Some("acme"), true, true));
            assert_eq!((values(head, "A"), values(head, "b").len()), (vec!["1".to_owned(), "2".to_owned()], 0));
        }
    }

    #[test]
    fn a_length_is_a_number_and_the_largest_of_several() {
        let of = |values: &[&str]| announced(&values.iter().map(|value| ("Content-Length", *value)).collect::<Vec<_>>());
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
            assert_eq!(of(values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_body_is_announced_by_a_length_other_than_zero_or_by_a_coding() {
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
