mod answer;
mod retry;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::task::JoinSet;

use crate::client::{self, Client};
use crate::delivery_options;
use crate::failure::Failure;
use crate::output::{self, BAD, FAINT, GOOD, Verbosity, styled};
use crate::send::answer::{Answer, named};
use crate::send::retry::Retries;
use crate::send::tally::Tally;
use crate::sign::{SignOptions, content_type, random_id};

/// Send a delivery as the provider would
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign send --secret-file jira.secret \\\n    http://127.0.0.1:3000/jira event.json\n  countersign send --secret-file jira.secret --forge body \\\n    http://127.0.0.1:3000/jira event.json\n  countersign send --secret-file jira.secret --count 1000 --concurrency 50 \\\n    http://127.0.0.1:3000/jira event.json\n  countersign send --secret-file jira.secret --repeat 2 \\\n    http://127.0.0.1:3000/jira event.json\n\nExit status: 0 if the receiver accepts every delivery (2xx), or with --forge, rejects every delivery (400, 401 or 403); 1 if not. With --repeat and --concurrency, 503 for some deliveries is no failure."
)]
pub(crate) struct Send {
    /// URL of the receiver
    #[arg(value_parser = client::url)]
    url: Uri,
    /// File with the body; `-` for standard input
    #[arg(default_value = "-", value_name = "FILE")]
    file: String,
    #[command(flatten)]
    signing: SignOptions,
    #[command(flatten)]
    sending: SendOptions,
}

/// Options for sending.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sending")]
struct SendOptions {
    /// Kind of event, for providers with a header for the kind
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Additional header, or another value for a header
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Forge the delivery: the receiver should reject it
    #[arg(long, value_name = "HOW")]
    forge: Option<Forgery>,
    /// Number of retries after 408, 409, 425, 429, 5xx, a lost connection or a missing response.
    /// The pause before a retry is 5 to 15 minutes for Jira, as documented (Jira retries up to 5
    /// times). For other providers, the pause is 5 seconds, doubled each time up to an hour
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    retries: u32,
    /// Number of times to send the same delivery again, whatever the response: with the same id and
    /// body, signed again. With --concurrency, several at once. A receiver that handles each delivery
    /// once answers a repeat with the first status, or with 503 while the first is being handled
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..100_000), conflicts_with = "count")]
    repeat: u32,
    /// Shorten the pauses before retries to a tenth of a second
    #[arg(long)]
    fast: bool,
    /// Number of deliveries, each with a new id and time
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Number of simultaneous deliveries
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    concurrency: u32,
    /// Time limit for a response, such as 20s or 500ms
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Forgery {
    /// The signature of another body
    Signature,
    /// No signature
    Missing,
    /// A signature cut short
    Truncated,
    /// A body changed after signing
    Body,
}

impl Send {
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        if self.sending.forge == Some(Forgery::Body) && !self.signing.provider.scheme.covers_body() {
            return Err(Failure::new(
                "a static token does not cover the body, so no receiver detects a changed body: use --forge signature",
            ));
        }
        let signer = self.signing.signer(verbosity)?;
        let body = Bytes::from(delivery_options::read(&self.file)?);
        let extra = self.sending.header.iter().map(|text| delivery_options::parse_header(text)).collect::<Result<Vec<_>, _>>()?;
        let repeated = if self.sending.repeat > 0 { Some(self.ids()?) } else { None };
        let sender = Sender { signer, body, extra, client: Client::new()?, send: self, repeated };
        client::block_on(sender.send_all(verbosity))
    }

    /// Returns the unsigned and the signed id of a new delivery.
    fn ids(&self) -> Result<(String, String), Failure> {
        match &self.signing.id {
            Some(id) => Ok((id.clone(), id.clone())),
            None => Ok((random_id()?, format!("msg_{}", random_id()?))),
        }
    }
}

struct Sender {
    send: Send,
    signer: countersign::Signer,
    body: Bytes,
    extra: Vec<(String, Vec<u8>)>,
    client: Client,
    /// The ids of the single delivery of `--repeat`.
    repeated: Option<(String, String)>,
}

/// Limit of a response body, in bytes.
const MAX_RESPONSE_BODY: usize = 64 * 1024;

impl Sender {
    async fn send_all(self, verbosity: Verbosity) -> Result<bool, Failure> {
        let SendOptions { count, concurrency, forge, repeat, .. } = self.send.sending;
        let count = count.saturating_add(repeat);
        let sender = Arc::new(self);
        let mut tally = Tally::new(count, verbosity);
        let next = Arc::new(AtomicUsize::new(0));
        let mut senders = JoinSet::new();
        let (answers, mut incoming) = tokio::sync::mpsc::channel(64);
        for _ in 0..concurrency.min(count) {
            let (sender, next, answers) = (Arc::clone(&sender), Arc::clone(&next), answers.clone());
            senders.spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < usize::try_from(count).unwrap_or(usize::MAX) {
                    let answer = sender.deliver().await;
                    let failed = answer.is_err();
                    if answers.send(answer).await.is_err() || failed {
                        break;
                    }
                }
            });
        }
        drop(answers);
        let (mut all_as_wanted, mut any_success) = (true, false);
        // A receiver that handles each delivery once answers a concurrent repeat with 503.
        let is_put_off = |status: StatusCode| repeat > 0 && concurrency > 1 && status == StatusCode::SERVICE_UNAVAILABLE;
        while let Some(answer) = incoming.recv().await {
            let answer = answer?;
            all_as_wanted &= match (&answer.status, forge) {
                (Ok(status), None) => status.is_success() || is_put_off(*status),
                (Ok(status), Some(_)) => matches!(status.as_u16(), 400 | 401 | 403),
                (Err(_), _) => false,
            };
            any_success |= answer.status.as_ref().is_ok_and(StatusCode::is_success);
            if count == 1 || repeat > 0 {
                show(&answer, &sender.send.url, verbosity);
            } else {
                tally.add(&answer);
            }
        }
        if repeat == 0 {
            tally.finish();
        }
        Ok(all_as_wanted && (any_success || forge.is_some()))
    }

    /// Sends a delivery, and retries after a temporary failure.
    async fn deliver(&self) -> Result<Answer, Failure> {
        let ids = self.repeated.clone().map_or_else(|| self.send.ids(), Ok)?;
        let mut retries = Retries::new(&self.send.signing.provider.scheme, self.send.sending.retries, self.send.sending.fast);
        let mut attempts = 0_u32;
        loop {
            attempts = attempts.saturating_add(1);
            // Each attempt is signed again, because a timestamp expires.
            let mut request = self.request(&ids.0, &ids.1)?;
            if attempts > 1
                && let Some(name) = retries.header()
            {
                request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(attempts.saturating_sub(1)));
            }
            let answer = self.attempt(request, attempts).await;
            match retries.pause_after(answer.status.as_ref().ok().copied())? {
                None => return Ok(answer),
                Some(pause) => tokio::time::sleep(pause).await,
            }
        }
    }

    async fn attempt(&self, request: Request<Full<Bytes>>, attempts: u32) -> Answer {
        let began = Instant::now();
        let sent = self.client.send(request, self.send.sending.timeout).await;
        let took = began.elapsed();
        match sent {
            Err(error) => Answer { status: Err(error.to_string()), took, attempts, headers: Vec::new(), body: Bytes::new() },
            Ok(response) => {
                let (head, body) = response.into_parts();
                let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
                let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
                // The body has the same time limit as the head. A missing body is no error.
                let body = tokio::time::timeout(self.send.sending.timeout, Limited::new(body, MAX_RESPONSE_BODY).collect()).await;
                let body = body.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
                Answer { status: Ok(head.status), took: began.elapsed(), attempts, headers, body }
            }
        }
    }

    fn request(&self, delivery_id: &str, signed_id: &str) -> Result<Request<Full<Bytes>>, Failure> {
        let SendOptions { event, forge, .. } = &self.send.sending;
        let scheme = self.send.signing.provider.scheme;
        let mut signed = match forge {
            Some(Forgery::Signature) => self.send.signing.headers(&self.signer, signed_id, &[&self.body[..], b"-"].concat()),
            _ => self.send.signing.headers(&self.signer, signed_id, &self.body),
        };
        // A static token does not depend on the body, so the token itself is changed.
        if let (Some(Forgery::Signature), false, Some((_, token))) = (forge, scheme.covers_body(), signed.last_mut()) {
            let last = token.pop();
            token.push(if last == Some('0') { '1' } else { '0' });
        }
        match forge {
            Some(Forgery::Missing) => drop(signed.pop()),
            Some(Forgery::Truncated) => signed.last_mut().into_iter().for_each(|(_, value)| value.truncate(value.len() / 2)),
            Some(Forgery::Signature | Forgery::Body) | None => {}
        }
        let body = match forge {
            Some(Forgery::Body) => Bytes::from([&self.body[..], b" "].concat()),
            _ => self.body.clone(),
        };
        let mut headers: Vec<(String, Vec<u8>)> = vec![
            ("content-type".into(), content_type(&self.body).into()),
            ("user-agent".into(), concat!("countersign/", env!("CARGO_PKG_VERSION")).into()),
        ];
        if let Some(name) = scheme.unsigned_delivery_id_header() {
            headers.push((name.to_owned(), delivery_id.into()));
        }
        headers.extend(scheme.unsigned_event_header().zip(event.as_ref()).map(|(name, event)| (name.to_owned(), event.clone().into())));
        headers.extend(signed.into_iter().map(|(name, value)| (name, value.into_bytes())));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.send.url.clone();
        for (name, value) in headers.iter().chain(&self.extra) {
            let fault = || Failure::new(format!("the header {name} has an invalid name or value"));
            let name: HeaderName = name.parse().map_err(|_| fault())?;
            request.headers_mut().insert(name.clone(), HeaderValue::from_bytes(value).map_err(|_| fault())?);
        }
        Ok(request)
    }
}

fn show(answer: &Answer, url: &Uri, verbosity: Verbosity) {
    let took = format!("in {} ms", answer.took.as_millis());
    let after = if answer.attempts > 1 { format!(", at attempt {}", answer.attempts) } else { String::new() };
    match &answer.status {
        Ok(status) => {
            let style = if status.is_success() { GOOD } else { BAD };
            output::line(format!("{} {took}{after}", styled(style, named(*status))));
            if verbosity == Verbosity::Verbose {
                for (name, value) in &answer.headers {
                    output::line(styled(FAINT, format!("{name}: {}", output::shown(value))));
                }
            }
            if !answer.body.is_empty() {
                output::line(output::shown(String::from_utf8_lossy(&answer.body).trim_end()));
            }
        }
        Err(error) => output::text(0, &format!("{} from {url} {took}{after}: {error}", styled(BAD, "no response"))),
    }
}
