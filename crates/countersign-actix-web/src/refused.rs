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
// Boxed, so that the way of a verified delivery need not carry the room for it.
pub struct Refused(Box<Answered>);

struct Answered {
    rejection: Option<Rejection>,
    // Taken when it is answered, which `ResponseError` has to do by reference.
    response: Cell<Option<HttpResponse>>,
}

impl Refused {
    pub(crate) fn new(rejection: Rejection, response: HttpResponse) -> Self {
        Self::made(Some(rejection), Some(response))
    }

    /// What has been reported on only, to a handler that wants more.
    pub(crate) fn again(rejection: &Rejection) -> Self {
        Self::made(Some(rejection.clone()), None)
    }

    pub(crate) fn unconfigured() -> Self {
        Self::made(None, None)
    }

    fn made(rejection: Option<Rejection>, response: Option<HttpResponse>) -> Self {
        Self(Box::new(Answered { rejection, response: Cell::new(response) }))
    }

    /// Why, for the operator. Do not tell the sender. `None` if there is nothing to judge by, which is the application's fault.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        self.0.rejection.as_ref()
    }
}

impl ResponseError for Refused {
    /// 500 if there is nothing to judge by.
    fn status_code(&self) -> StatusCode {
        self.0.rejection.as_ref().map_or(StatusCode::INTERNAL_SERVER_ERROR, |rejection| status(rejection.status_code()))
    }

    fn error_response(&self) -> HttpResponse {
        let empty = || HttpResponse::new(self.status_code());
        self.0.response.take().unwrap_or_else(|| match &self.0.rejection {
            Some(rejection) => answer(empty(), Rejection::clone(rejection)),
            None => empty(),
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0.rejection {
            Some(_) => "the delivery was refused",
            None => "there is nothing to judge by in the application's data, or the body has been taken",
        })
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("rejection", &self.0.rejection).finish_non_exhaustive()
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.rejection().map(|rejection| rejection as _)
    }
}
