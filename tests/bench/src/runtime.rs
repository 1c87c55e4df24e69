//! Serves one request after another, on a runtime of this thread.

use std::fmt::Debug;

use http::{Request, Response, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tower::{Service, ServiceExt as _};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Returns a closure that serves one request, and asserts the status 200.
pub fn served<S, B, O>(service: S, request: impl Fn() -> Request<B> + 'static) -> impl FnMut() + 'static
where
    S: Service<Request<B>, Response = Response<O>, Error: Debug> + Clone + 'static,
    B: 'static,
    O: 'static,
{
    move || {
        let response = block_on(service.clone().oneshot(request())).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}
