use countersign::RequestHead;
use countersign::adapter::HeaderIndex;

/// A request as it was received, with its body in full.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Delivery {
    /// The first value of this header, if it is text.
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
