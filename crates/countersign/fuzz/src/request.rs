use countersign::RequestHead;
use countersign::adapter::HeaderIndex;

/// The head of a request, for the crate and for the model.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub headers: Vec<(&'a str, &'a [u8])>,
}

impl Request<'_> {
    /// Returns all values of the fields of this name. Upper and lower case are equal.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

impl RequestHead for Request<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn target(&self) -> &str {
        self.target
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.headers.iter().map(|(name, value)| (*name, *value)));
    }
}
