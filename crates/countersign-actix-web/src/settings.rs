use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use countersign::Rejection;
use countersign::adapter::ReceiveOptions;

/// Settings of the middleware and the extractors. All requests share the settings.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) options: ReceiveOptions,
    pub(crate) tenant_by: Option<TenantBy>,
    pub(crate) reject: Arc<dyn Fn(&Rejection) -> HttpResponse + Send + Sync>,
}

pub(crate) type TenantBy = Arc<dyn Fn(&ServiceRequest) -> Option<String> + Send + Sync>;
