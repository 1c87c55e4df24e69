use countersign::RequestHead;
use countersign::adapter::HeaderIndex;

/// A received request, with the whole body.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Delivery {
    /// Returns the first value of a header field, or `None` if the value is not UTF-8.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        let value = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        value.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

impl RequestHead for Delivery {
    fn method(&self) -> &str {
        &self.method
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        self.headers.headers(index);
    }
}
