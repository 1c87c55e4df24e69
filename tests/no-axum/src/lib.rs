//! Signed paths without the feature `axum`. The layer cannot know a prefix cut off by a router.

#![cfg(test)]

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::adapter::VerifierSource;
use countersign::scheme::{Part, Scheme};
use countersign::{Secret, Signer, Verifier, VerifierBuilder, providers};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

const SIGNS_URL: Scheme = Scheme::new("canonical", "X-Signature").prefix(&[Part::Url, Part::Literal("\n")]);
const BASE: &str = "https://hooks.example.com";

fn secret() -> Secret {
    Secret::new("sixteen bytes or more")
}

fn signs_path() -> VerifierBuilder {
    Verifier::builder(SIGNS_URL).base_url(BASE)
}

/// Counts the warnings that name the feature.
#[derive(Default)]
struct Warnings(Arc<AtomicUsize>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut names_feature = NamesFeature(false);
        event.record(&mut names_feature);
        if *event.metadata().level() == Level::WARN && names_feature.0 {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct NamesFeature(bool);

impl Visit for NamesFeature {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0 |= format!("{value:?}").contains("turn on the feature `axum`");
    }
}

fn warnings_of(build: impl FnOnce()) -> usize {
    let warnings = Warnings::default();
    let count = Arc::clone(&warnings.0);
    tracing::subscriber::with_default(warnings, build);
    count.load(Ordering::SeqCst)
}

/// A resolver without any tenant.
struct NoTenants(Verifier);

impl countersign::tenant::Resolver for NoTenants {
    fn decoy(&self) -> &Verifier {
        &self.0
    }

    fn resolve(&self, _: &dyn countersign::RequestHead) -> countersign::tenant::ResolveFuture {
        countersign::tenant::ResolveFuture::ready(None)
    }
}

#[test]
fn building_a_layer_for_a_signed_path_warns() {
    let jira = || Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let signed_path = || signs_path().key("k", secret()).build().unwrap();
    let whole_url = Verifier::builder(providers::SQUARE).url("https://hooks.example.com/in").key("k", secret()).build().unwrap();
    let several = Verifier::any_of([jira(), signed_path()]).unwrap();
    for (verifier, warnings) in [(signed_path(), 1), (several, 1), (whole_url, 0), (jira(), 0)] {
        let name = format!("{verifier:?}");
        assert_eq!(warnings_of(|| drop(VerifyLayer::without_clock(verifier))), warnings, "{name}");
    }
    // The layer inspects the decoy of a resolver.
    let tenants = VerifierSource::from(NoTenants(signs_path().build_template().unwrap().decoy().clone()));
    assert_eq!(warnings_of(|| drop(VerifyLayer::without_clock(tenants))), 1);
}

/// The warning and the threat model describe this behaviour.
#[tokio::test]
async fn layer_verifies_the_path_that_it_receives() {
    let verifier = signs_path().key("k", secret()).build().unwrap();
    let signer = Signer::builder(SIGNS_URL, secret()).base_url(BASE, "/hook").build().unwrap();
    let request = |path: &str| {
        let request = signer.sign(b"body").into_iter().fold(Request::post(path), |request, (name, value)| request.header(name, value));
        request.body(Full::<bytes::Bytes>::from("body")).unwrap()
    };
    let handler = || service_fn(|_: Request<VerifiedBody>| async { Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default())) });
    let cut = |mut request: Request<Full<bytes::Bytes>>| {
        let path = request.uri().path().strip_prefix("/admin").map(str::to_owned);
        if let Some(path) = path {
            *request.uri_mut() = path.parse::<Uri>().unwrap();
        }
        request
    };
    let inside = || ServiceBuilder::new().map_request(cut).layer(VerifyLayer::without_clock(verifier.clone())).service(handler());
    let outside = || VerifyLayer::without_clock(verifier.clone());
    assert_eq!(inside().oneshot(request("/admin/hook")).await.unwrap().status(), StatusCode::OK, "the layer verifies the cut path");
    for (path, status) in [("/hook", StatusCode::OK), ("/admin/hook", StatusCode::UNAUTHORIZED)] {
        let service = ServiceBuilder::new().layer(outside()).service(handler());
        assert_eq!(service.oneshot(request(path)).await.unwrap().status(), status, "{path}");
    }
}
