use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use countersign::Rejection;

use crate::response::{finish, status};

/// A rejected delivery, which [`Delivery`](crate::Delivery) fails with. It has been [reported](countersign::Verifier::report).
///
/// As a response it is what [`Verify`](crate::Verify) answers, with the [`Rejection`] in its extensions.
// Boxed, so that the way of a verified delivery need not carry the room for it.
pub struct VerifyError(Box<ErrorParts>);

struct ErrorParts {
    cause: Cause,
    // Taken when it is answered, which `ResponseError` has to do by reference.
    response: Cell<Option<HttpResponse>>,
}

enum Cause {
    Rejected(Rejection),
    Misconfigured(Misconfiguration),
}

/// A fault of the application, for which the answer is 500.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Misconfiguration {
    NoVerify,
    TwoForms,
    BodyTaken,
}

impl Misconfiguration {
    const fn text(self) -> &'static str {
        match self {
            Self::NoVerify => "no `Verify` covers this route: give one to `app_data` or to `wrap`",
            Self::TwoForms => "both `Verify` and `web::Data<Verify>` are in `app_data`: use one of the two forms throughout",
            Self::BodyTaken => "another extractor has taken the body: ask for one of the two",
        }
    }
}

impl VerifyError {
    pub(crate) fn new(rejection: Rejection, response: HttpResponse) -> Self {
        Self::made(Cause::Rejected(rejection), Some(response))
    }

    /// What has been reported on only, to a handler that wants more.
    pub(crate) fn again(rejection: &Rejection) -> Self {
        Self::made(Cause::Rejected(rejection.clone()), None)
    }

    /// Tells the operator, as a 500 alone says nothing: at `ERROR` once a second, and otherwise at `DEBUG`, for a stranger can repeat the request.
    pub(crate) fn misconfigured(fault: Misconfiguration) -> Self {
        thread_local! {
            static TOLD: Cell<Option<Instant>> = const { Cell::new(None) };
        }
        if TOLD.get().is_none_or(|told| told.elapsed() >= Duration::from_secs(1)) {
            TOLD.set(Some(Instant::now()));
            tracing::error!(target: "countersign", "delivery not judged: {}", fault.text());
        } else {
            tracing::debug!(target: "countersign", "delivery not judged: {}", fault.text());
        }
        Self::made(Cause::Misconfigured(fault), None)
    }

    fn made(cause: Cause, response: Option<HttpResponse>) -> Self {
        Self(Box::new(ErrorParts { cause, response: Cell::new(response) }))
    }

    /// Why, for the operator. Do not tell the sender. `None` for a fault of the application, which `Display` tells, and an event at `ERROR`.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match &self.0.cause {
            Cause::Rejected(rejection) => Some(rejection),
            Cause::Misconfigured(_) => None,
        }
    }
}

impl ResponseError for VerifyError {
    /// 500 for a fault of the application.
    fn status_code(&self) -> StatusCode {
        self.rejection().map_or(StatusCode::INTERNAL_SERVER_ERROR, |rejection| status(rejection.status_code()))
    }

    fn error_response(&self) -> HttpResponse {
        let empty = || HttpResponse::new(self.status_code());
        self.0.response.take().unwrap_or_else(|| match self.rejection() {
            Some(rejection) => finish(empty(), Rejection::clone(rejection)),
            None => empty(),
        })
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0.cause {
            Cause::Rejected(_) => "the delivery was rejected",
            Cause::Misconfigured(fault) => fault.text(),
        })
    }
}

impl fmt::Debug for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyError").field("rejection", &self.rejection()).finish_non_exhaustive()
    }
}

impl Error for VerifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.rejection().map(|rejection| rejection as _)
    }
}
