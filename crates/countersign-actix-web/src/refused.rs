use std::cell::Cell;
use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use countersign::Rejection;

use crate::verify::{answer, status};

/// A refused delivery, which [`Delivery`](crate::Delivery) fails with. It has been [reported](countersign::Verifier::report).
///
/// As a response it is what [`Verify`](crate::Verify) answers, with the [`Rejection`] in its extensions.
pub struct Refused {
    rejection: Option<Box<Rejection>>,
    // Taken when it is answered, which `ResponseError` has to do by reference.
    response: Cell<Option<HttpResponse>>,
}

impl Refused {
    pub(crate) fn new(rejection: Rejection, response: HttpResponse) -> Self {
        Self { rejection: Some(Box::new(rejection)), response: Cell::new(Some(response)) }
    }

    /// What has been reported on only, to a handler that wants more.
    pub(crate) fn again(rejection: &Rejection) -> Self {
        Self { rejection: Some(Box::new(rejection.clone())), response: Cell::new(None) }
    }

    pub(crate) const fn unconfigured() -> Self {
        Self { rejection: None, response: Cell::new(None) }
    }

    /// Why, for the operator. Do not tell the sender. `None` if there is nothing to judge by, which is the application's fault.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_deref()
    }
}

impl ResponseError for Refused {
    /// 500 if there is nothing to judge by.
    fn status_code(&self) -> StatusCode {
        self.rejection.as_ref().map_or(StatusCode::INTERNAL_SERVER_ERROR, |rejection| status(rejection.status_code()))
    }

    fn error_response(&self) -> HttpResponse {
        let empty = || HttpResponse::new(self.status_code());
        self.response.take().unwrap_or_else(|| match &self.rejection {
            Some(rejection) => answer(empty(), Rejection::clone(rejection)),
            None => empty(),
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.rejection {
            Some(_) => "the delivery was refused",
            None => "there is nothing to judge by in the application's data, or the body has been taken",
        })
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("rejection", &self.rejection).finish_non_exhaustive()
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.rejection().map(|rejection| rejection as _)
    }
}
