use crate::request::head::{CONTENT_LENGTH, HeaderValues, RequestHead};
use crate::scheme::Scheme;
use crate::scheme::layout::{Headers, Timestamp, TimestampSource};

/// The most names that are looked for at once. Hardly a scheme has more, and what is beyond is looked for by itself.
const MAX_NAMES: usize = 8;

/// A head whose fields have been looked through once, for all names that a scheme asks for.
pub(crate) struct HeaderIndex<'h> {
    head: &'h dyn RequestHead,
    names: &'h [&'static str],
    values: [HeaderValues<'h>; MAX_NAMES],
}

impl<'h> HeaderIndex<'h> {
    /// `names` are those of [`names`], of which the first are looked for at once.
    #[inline]
    pub(crate) fn new(head: &'h dyn RequestHead, names: &'h [&'static str]) -> Self {
        let names = names.get(..MAX_NAMES).unwrap_or(names);
        let mut values = [const { HeaderValues::None }; MAX_NAMES];
        head.headers(names, &mut |place, value| {
            if let Some(values) = values.get_mut(place) {
                values.add(value);
            }
        });
        Self { head, names, values }
    }
}

/// What a scheme, and the limit for bodies, ask a head for.
pub(crate) fn names(scheme: &Scheme) -> Box<[&'static str]> {
    let signatures = match &scheme.headers {
        Headers::One(name) => std::slice::from_ref(name),
        Headers::AnyOf(names) => names,
        // They are asked for as far as there are any.
        Headers::Numbered(_) => &[],
    };
    let timestamp = match scheme.timestamp {
        Some(Timestamp { source: TimestampSource::Header(name), .. }) => Some(name),
        _ => None,
    };
    let others = [timestamp, scheme.id_header, scheme.unsigned.delivery_id, scheme.unsigned.event, Some(CONTENT_LENGTH)];
    signatures.iter().copied().chain(others.into_iter().flatten()).collect()
}

impl RequestHead for HeaderIndex<'_> {
    fn method(&self) -> &str {
        self.head.method()
    }

    fn target(&self) -> &str {
        self.head.target()
    }

    fn original_target(&self) -> &str {
        self.head.original_target()
    }

    fn tenant(&self) -> Option<&str> {
        self.head.tenant()
    }

    fn header<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        // Whoever asks for a name of the scheme's asks for the very same text. Any other is looked for by itself.
        let is_it = |known: &str| std::ptr::eq(known, name);
        match self.names.iter().zip(&self.values).find(|(known, _)| is_it(known)) {
            Some((_, HeaderValues::None)) => {}
            Some((_, HeaderValues::One(value))) => visit(value),
            Some((_, HeaderValues::Several)) | None => self.head.header(name, visit),
        }
    }

    fn announces_body(&self) -> bool {
        self.head.announces_body()
    }
}

#[cfg(test)]
mod tests {
    use crate::providers;

    use super::*;

    #[test]
    fn what_was_looked_for_at_once_is_what_is_found_one_by_one() {
        let head = [("A", "1"), ("b", "2"), ("a", "3"), ("X-GitHub-Event", ""), ("content-LENGTH", "7"), ("C", "8")];
        let index = HeaderIndex::new(&head, &["a", "x-github-event", "content-length", "absent"]);
        for name in ["a", "A", "b", "c", "x-github-event", "Content-Length", "content-length", "absent", "unknown"] {
            let values = |head: &dyn RequestHead| {
                let mut values = Vec::new();
                head.header(name, &mut |value| values.push(value.to_vec()));
                values
            };
            assert_eq!(values(&index), values(&head), "{name}");
        }
    }

    #[test]
    fn what_is_not_a_field_is_what_the_head_says() {
        for (length, announces) in [("0", false), ("7", true)] {
            let head = [("content-length", length)];
            let index = HeaderIndex::new(&head, &["content-length"]);
            assert_eq!((index.method(), index.target(), index.announces_body()), ("POST", "/", announces));
        }
    }

    #[test]
    fn a_scheme_asks_for_its_signature_and_for_whatever_else_it_reads() {
        let asked_for = |scheme: &Scheme| names(scheme).to_vec();
        assert_eq!(asked_for(&providers::SLACK), ["X-Slack-Signature", "X-Slack-Request-Timestamp", "content-length"]);
        let github = ["X-Hub-Signature-256", "X-GitHub-Delivery", "X-GitHub-Event", "content-length"];
        assert_eq!(asked_for(&providers::GITHUB), github);
        assert!(asked_for(&providers::STANDARD_WEBHOOKS).contains(&"webhook-id"));
    }

    #[test]
    fn all_that_a_known_scheme_asks_for_is_looked_for_at_once() {
        for scheme in providers::ALL {
            assert!(names(scheme).contains(&"content-length") && names(scheme).len() <= MAX_NAMES, "{}", scheme.name());
        }
    }
}
