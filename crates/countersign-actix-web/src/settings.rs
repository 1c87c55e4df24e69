use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Version;
use countersign::{Deadline, Discard, Discarding, Head as _, Refusal, Rejection, Terms, Verifiers};

use crate::head::RequestHead;
use crate::response::answer;

/// By what a middleware or an extractor judges, and what it does beside judging. Shared by all requests.
#[derive(Clone)]
pub(crate) struct Judge {
    pub(crate) verifiers: Verifiers,
    pub(crate) tenant_by: Option<TenantBy>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) discard: Option<Discard>,
    pub(crate) report_only: bool,
    pub(crate) refuse: Arc<dyn Fn(&Rejection) -> HttpResponse + Send + Sync>,
}

pub(crate) type TenantBy = Arc<dyn Fn(&ServiceRequest) -> Option<String> + Send + Sync>;

impl Judge {
    pub(crate) const fn terms(&self) -> Terms<'_> {
        Terms { verifiers: &self.verifiers, deadline: self.deadline, insecure_report_only: self.report_only }
    }

    /// What is to be thrown away before the answer.
    pub(crate) fn discarding(&self, refusal: &Refusal, request: &ServiceRequest) -> Option<Discarding> {
        let head = RequestHead::new(request);
        let discard = self.discard.filter(|_| request.version() < Version::HTTP_2 && head.announces_body())?;
        refusal.discarding(discard, &head)
    }

    /// Makes what the sender is told.
    pub(crate) fn answer(&self, rejection: Rejection) -> HttpResponse {
        answer((self.refuse)(&rejection), rejection)
    }
}
