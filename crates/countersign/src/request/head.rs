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
    /// get at it: by `tenant_by` of each adapter. For a [`Resolver`](crate::tenant::Resolver).
    fn tenant(&self) -> Option<&str> {
        None
    }

    /// Calls `visit` with the value of each field called `name`, in the order of arrival, duplicates included.
    ///
    /// Names are compared without regard to case (RFC 9110 §5.1). Values are bytes, because they need not be text.
    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8]));

    /// As [`header`](Self::header), of several names at once, which `visit` is told by their places: each name's values in the order of arrival.
    ///
    /// What is asked of every delivery is asked for in this way. So whoever can look through the fields once need not do so for each name.
    fn headers<'h>(&'h self, names: &[&str], visit: &mut dyn FnMut(usize, &'h [u8])) {
        for (place, name) in names.iter().enumerate() {
            self.header(name, &mut |value| visit(place, value));
        }
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

    fn tenant(&self) -> Option<&str> {
        (**self).tenant()
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        (**self).header(name, visit);
    }

    fn headers<'h>(&'h self, names: &[&str], visit: &mut dyn FnMut(usize, &'h [u8])) {
        (**self).headers(names, visit);
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

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        for (key, value) in self {
            if is_called(key.as_ref(), name) {
                visit(value.as_ref());
            }
        }
    }

    fn headers<'h>(&'h self, names: &[&str], visit: &mut dyn FnMut(usize, &'h [u8])) {
        for (key, value) in self {
            for (place, name) in names.iter().enumerate() {
                if is_called(key.as_ref(), name) {
                    visit(place, value.as_ref());
                }
            }
        }
    }
}

/// Most senders write a name as the provider documents it, and that is told sooner.
fn is_called(key: &str, name: &str) -> bool {
    key == name || key.eq_ignore_ascii_case(name)
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const LEN: usize> RequestHead for [(N, V); LEN] {
    fn method(&self) -> &str {
        self.as_slice().method()
    }

    fn target(&self) -> &str {
        self.as_slice().target()
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.as_slice().header(name, visit);
    }

    fn headers<'h>(&'h self, names: &[&str], visit: &mut dyn FnMut(usize, &'h [u8])) {
        self.as_slice().headers(names, visit);
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> RequestHead for Vec<(N, V)> {
    fn method(&self) -> &str {
        self.as_slice().method()
    }

    fn target(&self) -> &str {
        self.as_slice().target()
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.as_slice().header(name, visit);
    }

    fn headers<'h>(&'h self, names: &[&str], visit: &mut dyn FnMut(usize, &'h [u8])) {
        self.as_slice().headers(names, visit);
    }
}

/// One text, by which it is known again.
pub(crate) static CONTENT_LENGTH: &str = "content-length";

/// The length that the head announces: decimal digits (RFC 9110 §8.6), of several fields the largest; 0 where it announces none, for
/// what arrives is counted anyway. What a server let through that is not a number is not ours to judge.
pub(crate) fn announced(head: &dyn RequestHead) -> usize {
    let mut announced = 0;
    head.header(CONTENT_LENGTH, &mut |value| {
        if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            // A number too large for the type is too large for the limit as well.
            let length = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX);
            announced = length.max(announced);
        }
    });
    announced
}

/// The values of a header that may stand in a request once.
pub(crate) enum HeaderValues<'h> {
    None,
    One(&'h [u8]),
    Several,
}

impl<'h> HeaderValues<'h> {
    /// Whether there is a field of this name at all.
    pub(crate) fn is_there(head: &'h dyn RequestHead, name: &str) -> bool {
        !matches!(Self::of(head, name), Self::None)
    }

    pub(crate) fn of(head: &'h dyn RequestHead, name: &str) -> Self {
        let mut values = Self::None;
        head.header(name, &mut |value| values.add(value));
        values
    }

    /// One more.
    pub(crate) const fn add(&mut self, value: &'h [u8]) {
        *self = match self {
            Self::None => Self::One(value),
            Self::One(_) | Self::Several => Self::Several,
        }
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

        fn tenant(&self) -> Option<&str> {
            Some("acme")
        }

        fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
            if name == "a" {
                visit(b"1");
                visit(b"2");
            }
        }

        fn announces_body(&self) -> bool {
            true
        }
    }

    fn at_once(head: &dyn RequestHead, names: &[&str]) -> Vec<(usize, Vec<u8>)> {
        let mut found = Vec::new();
        head.headers(names, &mut |place, value| found.push((place, value.to_vec())));
        found
    }

    #[test]
    fn pairs_stand_for_a_post_to_the_root_of_no_tenant() {
        let pairs = [("A", "1"), ("b", "2"), ("a", "3")];
        for head in [&pairs as &dyn RequestHead, &pairs.to_vec(), &&pairs[..], &&pairs] {
            assert_eq!((head.method(), head.target(), head.original_target(), head.tenant()), ("POST", "/", "/", None));
            assert!(!head.announces_body());
            let found = at_once(head, &["a", "absent", "B"]);
            assert_eq!(found, [(0, b"1".to_vec()), (2, b"2".to_vec()), (0, b"3".to_vec())]);
        }
    }

    #[test]
    fn what_a_head_says_itself_is_said_by_its_reference_and_where_its_fields_are_indexed() {
        let index = crate::request::header_index::HeaderIndex::new(&Own, &["a"]);
        for head in [&Own as &dyn RequestHead, &&Own, &index] {
            assert_eq!((head.method(), head.target(), head.original_target()), ("PUT", "/taken/off?b", "/a/taken/off?b"));
            assert_eq!((head.tenant(), head.announces_body()), (Some("acme"), true));
            assert_eq!(at_once(head, &["b", "a"]), [(1, b"1".to_vec()), (1, b"2".to_vec())]);
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
