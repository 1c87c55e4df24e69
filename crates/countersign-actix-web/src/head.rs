use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderName;
use actix_web::http::uri::PathAndQuery;
use countersign::RequestHead;
use std::cell::RefCell;

/// The core's view of a request. actix-web leaves the target as it was sent, under a `scope` too.
pub(crate) struct ServiceRequestHead<'a> {
    request: &'a ServiceRequest,
}

impl<'a> ServiceRequestHead<'a> {
    pub(crate) const fn new(request: &'a ServiceRequest) -> Self {
        Self { request }
    }
}

impl RequestHead for ServiceRequestHead<'_> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn target(&self) -> &str {
        self.request.uri().path_and_query().map_or("", PathAndQuery::as_str)
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        with_name(name, |name| self.request.headers().get_all(name).for_each(|value| visit(value.as_bytes())));
    }
}

/// How many are kept. More than any scheme and resolver ask for; whatever is beyond is made anew.
const MAX_NAMES: usize = 64;

thread_local! {
    /// Names that have been asked for. actix-web looks a name up by a [`HeaderName`], and making one of a text takes two allocations.
    static NAMES: RefCell<Vec<(Box<str>, HeaderName)>> = const { RefCell::new(Vec::new()) };
}

/// Hands the name to `look`, if it is one.
fn with_name<T>(name: &str, look: impl FnOnce(&HeaderName) -> T) -> Option<T> {
    NAMES.with(|names| {
        if let Ok(names) = names.try_borrow()
            && let Some((_, known)) = names.iter().find(|(text, _)| **text == *name)
        {
            return Some(look(known));
        }
        let made = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // Whoever looks may ask again meanwhile, so the names are not held on to.
        if let Ok(mut names) = names.try_borrow_mut()
            && names.len() < MAX_NAMES
        {
            names.push((name.into(), made.clone()));
        }
        Some(look(&made))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn method_target_and_every_value_are_as_sent() {
        let request = TestRequest::with_uri("http://host/a%20b?c=%2F")
            .method(Method::PUT)
            .append_header(("X-A", "1"))
            .append_header(("x-a", HeaderValue::from_bytes(b"\xff").unwrap()))
            .append_header(("b", ""))
            .to_srv_request();
        let head = ServiceRequestHead::new(&request);
        assert_eq!((head.method(), head.target()), ("PUT", "/a%20b?c=%2F"));
        let values = |name| {
            let mut values = Vec::new();
            head.header(name, &mut |value| values.push(value));
            values
        };
        assert_eq!(values("X-a"), [&b"1"[..], b"\xff"]);
        assert_eq!(values("B"), [b""]);
        assert!(values("c").is_empty());
        assert!(values("not a name").is_empty());
    }

    #[test]
    fn a_name_is_the_same_however_often_it_is_asked_for() {
        for _ in 0..3 {
            assert_eq!(with_name("X-Hub-Signature", HeaderName::to_string).as_deref(), Some("x-hub-signature"));
            assert_eq!(with_name("no name", HeaderName::to_string), None);
            for number in 0..2 * MAX_NAMES {
                assert_eq!(with_name(&format!("x-{number}"), HeaderName::to_string), Some(format!("x-{number}")));
            }
            assert_eq!(with_name("a", |outer| with_name("b", |inner| format!("{outer}{inner}"))), Some(Some("ab".into())));
        }
        NAMES.with(|names| assert_eq!(names.borrow().len(), MAX_NAMES));
    }
}
