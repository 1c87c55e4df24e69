use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use countersign::adapter::finish_response;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::VerifiedBody;
use crate::receive::{ReceiveRequest, RejectedRequest};
use crate::response::RejectionResponse;
use crate::settings::Settings;

pin_project! {
    /// The response future of [`Verify`](crate::Verify).
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S, R, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        // Taken for the call. Dropped once the delivery is rejected.
        inner: Option<S>,
        reject: R,
        #[pin]
        state: State<B, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<B, F> {
        Receive {
            #[pin]
            receive: ReceiveRequest<B>,
        },
        Call {
            #[pin]
            response: F,
        },
    }
}

impl<S, R, B> VerifyFuture<S, R, B>
where
    S: Service<Request<VerifiedBody>>,
    B: Body,
{
    pub(crate) fn new(inner: S, reject: R, settings: Arc<Settings>, request: Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        Self { inner: Some(inner), reject, state: State::Receive { receive: ReceiveRequest::new(settings, parts, body) } }
    }
}

impl<S, R, B, T> Future for VerifyFuture<S, R, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<T>>,
    R: RejectionResponse<T>,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<Response<T>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let response = match this.state.as_mut().project() {
                StateProj::Receive { mut receive } => {
                    let received = receive.as_mut().poll(cx);
                    if receive.is_draining() {
                        *this.inner = None;
                    }
                    match ready!(received) {
                        Ok(outcome) => {
                            let (Some(mut inner), Some(request)) = (this.inner.take(), receive.take_request(outcome)) else {
                                return Poll::Pending;
                            };
                            inner.call(request)
                        }
                        Err(RejectedRequest { rejection, connection }) => {
                            *this.inner = None;
                            return Poll::Ready(Ok(finish_response(this.reject.response(&rejection), rejection, connection)));
                        }
                    }
                }
                StateProj::Call { response } => return response.poll(cx),
            };
            this.state.set(State::Call { response });
        }
    }
}

impl<S: Service<Request<VerifiedBody>>, R, B> fmt::Debug for VerifyFuture<S, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyFuture").finish_non_exhaustive()
    }
}
