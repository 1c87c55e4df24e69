use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use countersign::observe::{Observer, Verdict};
use countersign::tenant::{ResolveFuture, Resolver};
use countersign::{Deadline, MemoryBudget, RequestHead, Secret, Signer, Verifier, VerifierBuilder, providers};
use http::{HeaderMap, Request, Response};
use tower::{Service, ServiceExt as _};

use crate::{actix, axum, core, warp};

pub const SECRET: &str = "It's a Secret to Everybody";
pub const SIGNATURE: &str = "x-hub-signature-256";

/// One kind of delivery. `deliver` prepares it, and what it returns performs it once.
pub struct Case {
    pub name: &'static str,
    pub deliver: fn() -> Box<dyn FnMut()>,
}

/// What ends in `on` stands beside the same case without it, or with it off: what is off must cost nothing.
pub fn all() -> Vec<Case> {
    [core::cases(), axum::cases(), actix::cases(), warp::cases()].into_iter().flatten().collect()
}

/// What is sent, and the status with which it is to be answered.
#[derive(Clone)]
pub struct Delivery {
    pub body: Bytes,
    pub signature: Option<String>,
    pub status: u16,
}

impl Delivery {
    pub fn signed(size: usize) -> Self {
        let body = Bytes::from(vec![b'x'; size]);
        let signature = Signer::new(providers::GITHUB, Secret::new(SECRET)).unwrap().sign(&body).remove(0).1;
        Self { body, signature: Some(signature), status: 200 }
    }

    /// Rejected at the end of its body.
    pub fn forged() -> Self {
        Self { signature: Self::signed(0).signature, status: 401, ..Self::signed(1024) }
    }

    /// Rejected by its head.
    pub fn unsigned() -> Self {
        Self { signature: None, status: 401, ..Self::signed(1024) }
    }

    pub fn request<B>(&self, body: impl FnOnce(Bytes) -> B) -> Request<B> {
        let mut headers = HeaderMap::from_iter([(http::header::CONTENT_LENGTH, self.body.len().into())]);
        if let Some(value) = &self.signature {
            headers.insert(SIGNATURE, value.parse().unwrap());
        }
        let mut request = Request::post("/hook").body(body(self.body.clone())).unwrap();
        *request.headers_mut() = headers;
        request
    }
}

pub fn builder() -> VerifierBuilder {
    Verifier::builder(providers::GITHUB).key("key", Secret::new(SECRET))
}

pub fn verifier() -> Verifier {
    builder().build().unwrap()
}

pub fn verifier_with_budget() -> Verifier {
    builder().memory_budget(MemoryBudget::new(256 * 1024 * 1024)).build().unwrap()
}

/// With somebody to be told of each verdict.
pub fn observed() -> Verifier {
    struct Told;

    impl Observer for Told {
        fn observe(&self, verdict: &Verdict<'_>) {
            std::hint::black_box(verdict.body_bytes());
        }
    }

    builder().observer(Told).build().unwrap()
}

/// A resolver that has its answer at hand.
pub struct Known(pub Verifier);

impl Resolver for Known {
    fn resolve(&self, _: &dyn RequestHead) -> ResolveFuture {
        ResolveFuture::ready(Some(self.0.clone()))
    }

    fn decoy(&self) -> &Verifier {
        &self.0
    }
}

pub fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(20))
}

/// Serves one request after another, on a runtime of one thread.
pub fn served<S, B, O>(service: S, delivery: Delivery, body: fn(Bytes) -> B) -> Box<dyn FnMut()>
where
    S: Service<Request<B>, Response = Response<O>, Error: Debug> + Clone + 'static,
    B: 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Box::new(move || {
        let response = runtime.block_on(service.clone().oneshot(delivery.request(body))).unwrap();
        assert_eq!(response.status(), delivery.status);
    })
}
