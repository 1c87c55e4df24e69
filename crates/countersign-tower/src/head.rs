use std::borrow::Cow;

use countersign::RequestHead;
use countersign::adapter::HeaderIndex;
use http::request::Parts;
#[cfg(feature = "axum")]
use http::uri::PathAndQuery;

use crate::settings::TenantBy;

/// The head of a request, for the core.
pub(crate) struct PartsHead<'a> {
    parts: &'a Parts,
    tenant_by: Option<&'a TenantBy>,
}

impl<'a> PartsHead<'a> {
    pub(crate) const fn new(parts: &'a Parts, tenant_by: Option<&'a TenantBy>) -> Self {
        Self { parts, tenant_by }
    }
}

impl RequestHead for PartsHead<'_> {
    fn method(&self) -> &str {
        RequestHead::method(self.parts)
    }

    fn target(&self) -> &str {
        self.parts.target()
    }

    /// Returns path and query as sent. axum's routers keep the original URI in the extensions.
    #[cfg(feature = "axum")]
    fn original_target(&self) -> &str {
        let original = self.parts.extensions.get::<axum::extract::OriginalUri>().map_or(&self.parts.uri, |original| &original.0);
        original.path_and_query().map_or("", PathAndQuery::as_str)
    }

    fn tenant(&self) -> Option<Cow<'_, str>> {
        self.tenant_by.and_then(|find| find(self.parts)).map(Cow::Owned)
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        RequestHead::headers(self.parts, index);
    }

    fn is_multiplexed(&self) -> bool {
        self.parts.is_multiplexed()
    }
}
