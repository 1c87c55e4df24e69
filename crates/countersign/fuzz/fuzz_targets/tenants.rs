//! Deliveries of several tenants, while keys change, disappear or cannot be read. Each delivery must be verified with the keys of its own
//! tenant, from the last lookup.
#![no_main]

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use countersign::{Secret, Signer, Verified, Verifier, providers};
use countersign_fuzz::choices::Choices;
use countersign_fuzz::receiver;
use countersign_tenants::Tenants;
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{Request, Response, Uri};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tower::{Layer as _, ServiceExt as _, service_fn};

thread_local! {
    static RUNTIME: &'static (Runtime, LocalSet) = receiver::runtime();
}

const HOUR: Duration = Duration::from_secs(3600);
const SECRETS: [&str; 3] = ["the first secret of all", "the second secret of all", "the third secret of all"];

/// The source of keys: for each tenant, the places of the secrets in [`SECRETS`].
#[derive(Default)]
struct Source {
    keys: HashMap<String, Vec<usize>>,
    /// Whether every lookup fails.
    fails: bool,
}

/// The results of the last lookups.
#[derive(Default)]
struct Model {
    known: HashMap<String, Vec<usize>>,
    unknown: HashSet<String>,
}

fuzz_target!(|input: &[u8]| RUNTIME.with(|(runtime, tasks)| tasks.block_on(runtime, run(input))));

async fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let keeps = choices.flag();
    let source = Arc::new(Mutex::new(Source::default()));
    let lookup = Arc::clone(&source);
    let builder = Tenants::builder(Verifier::builder(providers::JIRA)).by_path("/hooks/{tenant}").negative_ttl(HOUR);
    let tenants = builder.time_to_live(if keeps { HOUR } else { Duration::ZERO }).build(move |tenant: String| {
        let source = lookup.lock().unwrap();
        let keys = source.keys.get(&tenant).cloned();
        let keys = keys.map(|keys| keys.into_iter().map(|place| (place.to_string(), Secret::new(SECRETS[place]))).collect::<Vec<_>>());
        let found = if source.fails { Err("the source of keys is unavailable") } else { Ok(keys) };
        async move { found }
    });
    let tenants = tenants.expect("the settings of the tenants are valid");
    let service = VerifyLayer::new(tenants.clone()).layer(service_fn(handle));
    let mut model = Model::default();
    let mut steps = 0;
    while !choices.is_empty() && steps < 40 {
        steps += 1;
        let name = choices.bytes(6);
        let text = String::from_utf8(name.to_vec()).ok().filter(|name| !name.is_empty());
        match (choices.below(8), &text) {
            (0, Some(name)) => {
                let keys = (0..SECRETS.len()).filter(|_| choices.flag()).collect();
                source.lock().unwrap().keys.insert(name.clone(), keys);
            }
            (1, Some(name)) => {
                source.lock().unwrap().keys.remove(name);
            }
            (2, Some(name)) => {
                tenants.invalidate(name);
                model.known.remove(name);
                model.unknown.remove(name);
            }
            (3, _) => {
                let mut source = source.lock().unwrap();
                source.fails = !source.fails;
            }
            _ => {
                let signed_with = choices.below(SECRETS.len());
                let segment = match choices.below(4) {
                    0 => name.to_vec(),
                    1 => name.repeat(100),
                    _ => encode(name).into_bytes(),
                };
                let Ok(target) = Uri::try_from([b"/hooks/", &segment[..]].concat()) else { continue };
                let tenant = tenant_of(target.path_and_query().unwrap().as_str());
                let expected = model.verdict(tenant.as_deref(), signed_with, keeps, &source.lock().unwrap());
                let answer = service.clone().oneshot(delivery(target, signed_with)).await.unwrap();
                assert_eq!(answer.status(), expected, "wrong status for tenant {tenant:?}, signed with secret {signed_with}");
                if expected == 200 {
                    assert_eq!(answer.headers()["x-tenant"], encode(tenant.unwrap().as_bytes()));
                }
            }
        }
    }
}

impl Model {
    fn verdict(&mut self, tenant: Option<&str>, signed_with: usize, keeps: bool, source: &Source) -> u16 {
        let Some(tenant) = tenant else { return 401 };
        let cached = self.known.get(tenant).filter(|_| keeps);
        if cached.is_none() && !self.unknown.contains(tenant) {
            // A lookup without any key fails, because a verifier needs a key.
            if source.fails || source.keys.get(tenant).is_some_and(Vec::is_empty) {
                return 503;
            }
            match source.keys.get(tenant) {
                Some(keys) => drop(self.known.insert(tenant.to_owned(), keys.clone())),
                None => {
                    self.known.remove(tenant);
                    self.unknown.insert(tenant.to_owned());
                }
            }
        }
        let verifies = !self.unknown.contains(tenant) && self.known.get(tenant).is_some_and(|keys| keys.contains(&signed_with));
        if verifies { 200 } else { 401 }
    }
}

/// Returns the tenant in a request target, if the name is not too long.
fn tenant_of(target: &str) -> Option<String> {
    let segment = target.split('?').next()?.strip_prefix("/hooks/").filter(|segment| !segment.contains('/'))?;
    let (mut rest, mut name) = (segment.as_bytes(), Vec::new());
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap());
        name.push(escaped.unwrap_or(*first));
        rest = &after[if escaped.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8(name).ok().filter(|name| (1..=256).contains(&name.len()))
}

fn delivery(target: Uri, signed_with: usize) -> Request<Full<Bytes>> {
    let request = Request::post(target);
    let head = Signer::new(providers::JIRA, Secret::new(SECRETS[signed_with])).unwrap().sign(b"body");
    let request = head.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    request.body(Full::from("body")).expect("the request is valid")
}

/// Percent-encodes every byte.
fn encode(name: &[u8]) -> String {
    name.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02x}");
        text
    })
}

async fn handle(request: Request<VerifiedBody>) -> Result<Response<()>, Infallible> {
    let verified = request.extensions().get::<Verified>().expect("the layer adds `Verified` to the extensions");
    let tenant = verified.tenant().expect("the delivery has a tenant");
    Ok(Response::builder().header("x-tenant", encode(tenant.as_bytes())).body(()).unwrap())
}
