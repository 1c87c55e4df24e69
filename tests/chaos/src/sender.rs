use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use countersign::{Secret, Signer, providers};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::receiver::{SECRET, is_long};

/// Number of deliveries sent at the same time.
const CONCURRENT: usize = 48;

/// After this time without a 2xx, a delivery is lost. Several kills in a row can find the same delivery.
const PATIENCE: Duration = Duration::from_secs(180);

/// Sends deliveries as Jira does, with shorter pauses before repeats.
#[derive(Clone)]
pub struct Sender {
    client: Client<HttpConnector, Body>,
    signer: Arc<Signer>,
    /// The present port of each receiver.
    ports: Arc<Mutex<Vec<u16>>>,
}

impl Sender {
    pub fn new(ports: Arc<Mutex<Vec<u16>>>) -> Self {
        let signer = Arc::new(Signer::new(providers::JIRA, Secret::new(SECRET)).unwrap());
        Self { client: Client::builder(TokioExecutor::new()).build_http(), signer, ports }
    }

    /// Sends each delivery to every receiver at once, until each has answered 2xx. Returns the lost deliveries, and the longest time of a
    /// delivery with a short handler.
    pub async fn send_all(&self, deliveries: usize) -> (Vec<usize>, Duration) {
        let permits = Arc::new(Semaphore::new(CONCURRENT));
        let mut tasks = JoinSet::new();
        for delivery in 0..deliveries {
            let (sender, permits) = (self.clone(), Arc::clone(&permits));
            tasks.spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                let (body, began) = (delivery.to_string(), Instant::now());
                // Each receiver is the first for a third of the deliveries.
                let to = |place: usize| sender.deliver((delivery + place) % 3, &body);
                let (one, two, three) = tokio::join!(to(0), to(1), to(2));
                let time = if is_long(&body) { Duration::ZERO } else { began.elapsed() };
                ((!(one && two && three)).then_some(delivery), time)
            });
        }
        let (lost, times): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().unzip();
        (lost.into_iter().flatten().collect(), times.into_iter().max().unwrap_or_default())
    }

    async fn deliver(&self, receiver: usize, body: &str) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            // Real senders also hang up after some seconds.
            if let Ok(Some(status)) = timeout(Duration::from_secs(5), self.attempt(receiver, body)).await
                && status.is_success()
            {
                return true;
            }
            sleep(Duration::from_millis(fastrand::u64(20..200))).await;
        }
        false
    }

    async fn attempt(&self, receiver: usize, body: &str) -> Option<StatusCode> {
        let port = self.ports.lock().unwrap()[receiver];
        let request =
            Request::post(format!("http://127.0.0.1:{port}/hook")).header("Content-Type", "text/plain").header("X-Delivery", body);
        let request = request.header("X-Atlassian-Webhook-Identifier", format!("id-{body}"));
        let head = self.signer.sign(body.as_bytes());
        let request = head.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let response = self.client.request(request.body(Body::from(body.to_owned())).unwrap()).await.ok()?;
        let status = response.status();
        let _ = response.into_body().collect().await;
        Some(status)
    }

    /// Returns how often Redis was unavailable to the guard of a receiver, since the receiver's start.
    pub async fn unavailable(&self, receiver: usize) -> u64 {
        let port = self.ports.lock().unwrap()[receiver];
        let request = Request::get(format!("http://127.0.0.1:{port}/unavailable")).body(Body::empty()).unwrap();
        let answered = timeout(Duration::from_secs(2), async {
            let response = self.client.request(request).await.ok()?;
            let text = response.into_body().collect().await.ok()?.to_bytes();
            String::from_utf8(text.to_vec()).ok()?.parse().ok()
        });
        answered.await.ok().flatten().expect("a receiver does not answer")
    }
}
