//! Deliveries with the header fields of real providers, and the verifiers of these deliveries.

use std::fmt::Debug;

use bytes::Bytes;
use countersign::scheme::Scheme;
use countersign::{Secret, Signer, Verifier, VerifierBuilder, providers};
use http::{HeaderMap, HeaderName, Request, Response};
use tower::{Service, ServiceExt as _};

/// A provider, with the header fields sent beside the signature.
pub struct Provider {
    scheme: Scheme,
    pub secret: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

/// Nine header fields, including the signature, `content-length` and an unsigned id.
pub const JIRA: Provider = Provider {
    scheme: providers::JIRA,
    secret: "It's a Secret to Everybody",
    fields: &[
        ("host", "receiver.example.com"),
        ("user-agent", "Atlassian HttpClient unknown / JIRA-1001.0.0-SNAPSHOT (100290) / Default"),
        ("accept", "*/*"),
        ("content-type", "application/json; charset=UTF-8"),
        ("x-atlassian-webhook-identifier", "ba66d2b0-6e24-4b43-9a1f-3c6a4a2d7e55"),
        ("x-atlassian-webhook-flow", "Primary"),
        ("accept-encoding", "gzip,deflate"),
    ],
};

/// Twelve header fields, including the signature, `content-length`, an id and the name of an event.
pub const GITHUB: Provider = Provider {
    scheme: providers::GITHUB,
    secret: "It's a Secret to Everybody",
    fields: &[
        ("host", "receiver.example.com"),
        ("user-agent", "GitHub-Hookshot/044aadd"),
        ("accept", "*/*"),
        ("content-type", "application/json"),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("x-github-event", "pull_request"),
        ("x-github-hook-id", "292430182"),
        ("x-github-hook-installation-target-id", "79929171"),
        ("x-github-hook-installation-target-type", "repository"),
        ("x-hub-signature", "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6"),
    ],
};

pub const SLACK: Provider = Provider {
    scheme: providers::SLACK,
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    fields: &[
        ("host", "receiver.example.com"),
        ("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)"),
        ("accept-encoding", "gzip,deflate"),
        ("accept", "*/*"),
        ("content-type", "application/json"),
    ],
};

pub const STRIPE: Provider = Provider {
    scheme: providers::STRIPE,
    secret: "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH",
    fields: &[
        ("host", "receiver.example.com"),
        ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
        ("accept", "*/*; q=0.5, application/xml"),
        ("cache-control", "no-cache"),
        ("content-type", "application/json; charset=utf-8"),
    ],
};

pub const STANDARD_WEBHOOKS: Provider = Provider {
    scheme: providers::STANDARD_WEBHOOKS,
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    fields: &[
        ("host", "receiver.example.com"),
        ("user-agent", "Svix-Webhooks/1.62.0 (sender-7YxVdR; +https://www.svix.com/http-sender/)"),
        ("accept", "*/*"),
        ("content-type", "application/json"),
    ],
};

pub const SHOPIFY: Provider = Provider {
    scheme: providers::SHOPIFY,
    secret: "hush-hush-0123456789",
    fields: &[
        ("host", "receiver.example.com"),
        ("user-agent", "Shopify-Captain-Hook"),
        ("accept", "*/*"),
        ("accept-encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
        ("content-type", "application/json"),
        ("x-shopify-api-version", "2026-07"),
        ("x-shopify-event-id", "98880550-7158-44d4-b7cd-2c97c8a091b5"),
        ("x-shopify-shop-domain", "johns-apparel.myshopify.com"),
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-triggered-at", "2026-11-29T02:10:16.877046190Z"),
        ("x-shopify-webhook-id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
    ],
};

impl Provider {
    pub fn builder(&self) -> VerifierBuilder {
        Verifier::builder(self.scheme).key("key", Secret::new(self.secret))
    }

    pub fn verifier(&self) -> Verifier {
        self.builder().build().unwrap()
    }

    /// Returns a delivery signed at the current time.
    pub fn signed(&self, size: usize) -> Delivery {
        let body = Bytes::from(vec![b'x'; size]);
        let signer = Signer::new(self.scheme, Secret::new(self.secret)).unwrap();
        let signed = signer.sign_as("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", &body, std::time::SystemTime::now());
        let fields = self.fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let length = [("content-length".to_owned(), size.to_string())];
        let fields = fields.chain(length).chain(signed).map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        let mut head: HeaderMap = fields.collect();
        if self.scheme == providers::STRIPE {
            // Beside the right signature, Stripe sends a signature by a test key, under another name.
            let value = format!("{},v0={}", head["stripe-signature"].to_str().unwrap(), "6ffbb59b".repeat(8));
            head.insert("stripe-signature", value.parse().unwrap());
        }
        Delivery { head, body, status: 200 }
    }
}

/// A request, with the expected status of the response.
#[derive(Clone)]
pub struct Delivery {
    pub head: HeaderMap,
    pub body: Bytes,
    pub status: u16,
}

impl Delivery {
    /// Returns a delivery by Jira.
    pub fn signed(size: usize) -> Self {
        JIRA.signed(size)
    }

    /// Returns a delivery that is rejected at the end of its body.
    pub fn forged() -> Self {
        let mut forged = Self::signed(1024);
        forged.head.insert("x-hub-signature", Self::signed(0).head["x-hub-signature"].clone());
        Self { status: 401, ..forged }
    }

    /// Returns a delivery that is rejected by its head.
    pub fn unsigned() -> Self {
        let mut unsigned = Self::signed(1024);
        unsigned.head.remove("x-hub-signature");
        Self { status: 401, ..unsigned }
    }

    pub fn request<B>(&self, body: impl FnOnce(Bytes) -> B) -> Request<B> {
        let mut request = Request::post("/hook").body(body(self.body.clone())).unwrap();
        request.headers_mut().clone_from(&self.head);
        request
    }
}

/// Returns a closure that serves one request on a runtime with one thread.
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
