use countersign::Head;
use http::{HeaderMap, Method};
use warp::path::FullPath;

/// The core's view of a request, of the pieces that warp's filters hand out.
pub(crate) struct RequestHead {
    method: Method,
    target: String,
    headers: HeaderMap,
}

impl RequestHead {
    pub(crate) fn new(method: Method, path: &FullPath, query: &str, headers: HeaderMap) -> Self {
        let mark = if query.is_empty() { "" } else { "?" };
        Self { method, target: [path.as_str(), mark, query].concat(), headers }
    }
}

impl Head for RequestHead {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.headers.get_all(name).iter().for_each(|value| visit(value.as_bytes()));
    }
}
