use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use countersign::Rejection;
use countersign::adapter::ReceiveOptions;

/// By what a middleware or an extractor judges, and what it does beside judging. Shared by all requests.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) options: ReceiveOptions,
    pub(crate) tenant_by: Option<TenantBy>,
    pub(crate) reject: Arc<dyn Fn(&Rejection) -> HttpResponse + Send + Sync>,
}

pub(crate) type TenantBy = Arc<dyn Fn(&ServiceRequest) -> Option<String> + Send + Sync>;
